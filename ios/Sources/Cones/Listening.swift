import ConesGenerated

/// What is called during a generation, on the engine's own queue: be quick, and hop to the main actor for the screen.
/// Throwing stops the generation with ``ConesError/Kind/listenerFailed``.
public typealias ProgressHandler = @Sendable (GenerateProgress) throws -> Void

/// What is called during a download, at most a few times a second, on the store's own queue. Throwing stops the download
/// with ``ConesError/Kind/listenerFailed``; what came so far is kept.
public typealias DownloadHandler = @Sendable (DownloadProgress) throws -> Void

/// A closure as the listener of a generation.
final class GenerateListener: Listener {
    private let handler: ProgressHandler

    init?(_ handler: ProgressHandler?) {
        guard let handler else { return nil }
        self.handler = handler
    }

    func onProgress(progress: GenerateProgress) throws {
        try handler(progress)
    }
}

/// A closure as the listener of a download.
final class Downloading: DownloadListener {
    private let handler: DownloadHandler

    init?(_ handler: DownloadHandler?) {
        guard let handler else { return nil }
        self.handler = handler
    }

    func onReceived(progress: DownloadProgress) throws {
        try handler(progress)
    }
}

/// A closure as the log.
final class Log: LogSink {
    private let handler: @Sendable (LogRecord) -> Void

    init?(_ handler: (@Sendable (LogRecord) -> Void)?) {
        guard let handler else { return nil }
        self.handler = handler
    }

    func log(record: LogRecord) throws {
        handler(record)
    }
}
