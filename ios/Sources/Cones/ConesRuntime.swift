import ConesGenerated
import Foundation

/// What concerns the whole process: the log, ONNX Runtime, and what this device can run.
public enum ConesRuntime {
    /// Sets up the log and ONNX Runtime, once per process. Nothing needs it: without it there is no log, and the runtime
    /// is the one that is linked in, or on a desktop the one that is found.
    ///
    /// Records go to Apple's unified log (subsystem `dev.cones`) and to `log`. Prompts, paths and pictures are never in
    /// one above `LogLevel.debug`.
    ///
    /// - Parameters:
    ///   - logLevel: how much is logged.
    ///   - library: the library of ONNX Runtime, where one is loaded: Linux and macOS. On iOS leave it out.
    ///   - log: called on whatever thread speaks.
    /// - Throws: ``ConesError``: ``ConesError/Kind/alreadyInitialized`` at a second call, which changes nothing;
    ///   ``ConesError/Kind/runtimeMissing``, after which it may be called again.
    public static func initialize(
        logLevel: LogLevel = .warn, library: URL? = nil, log: (@Sendable (LogRecord) -> Void)? = nil
    ) throws {
        try ConesError.translated {
            let config = InitConfig(logLevel: logLevel, runtimeLibrary: library?.path)
            try ConesGenerated.initialize(config: config, sink: Log(log))
        }
    }

    /// What this device can run, and why not the rest. Loads ONNX Runtime; its absence is part of the report.
    public static func deviceReport() async throws -> DeviceReport {
        try await Worker("report", qos: .userInitiated).run { _ in ConesGenerated.deviceReport() }
    }
}
