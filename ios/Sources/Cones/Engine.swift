import ConesGenerated
import Foundation

/// A base model ready to draw.
///
/// Drawing happens on a queue of the engine's own, never on Swift's pool of threads, one request at a time in the order of
/// the calls. Cancelling the task that called stops a request that waits at once, and one that is being drawn within a
/// step; the engine is then as usable as before.
///
/// ```swift
/// let engine = try await Engine(bundle: folder, packs: packs)
/// let generated = try await engine.generate(Request("a {fluent-dog} on grass", subjects: [.init("fluent-dog")]))
/// let image = generated.pictures[0].cgImage()
/// ```
public actor Engine {
    /// How an engine runs. Everything may be left out.
    public struct Options: Sendable, Equatable {
        /// Where the graphs run.
        public var provider: Provider
        /// What stays loaded between and during pictures.
        public var memory: MemoryMode
        /// Bytes that drawing may take beside what the process holds anyway; what the system says there is if `nil`. A
        /// request that needs more is refused with ``ConesError/Kind/outOfMemory``.
        public var budget: UInt64?
        /// Threads inside one node; one for each physical core if `nil`.
        public var threads: Int?
        /// Folder for models that CoreML has compiled; without it they are compiled at each start. Safe to delete. The
        /// library gives each graph a folder below it, named by the hash of the model's files and the runtime's version.
        public var cache: URL?
        /// What is done with pictures that a classifier finds not safe; blurred if `nil`. To ask for anything but `.off` where
        /// the base model brings no classifier, and none is named, is a ``ConesError/Kind/badRequest``.
        public var safety: SafetyPolicy?
        /// Folder with a classifier (`safety.onnx` and `safety.json`) that is asked instead of the base model's own.
        public var safetyClassifier: URL?

        /// Options that differ from the usual ones as given.
        public init(
            provider: Provider = .cpu, memory: MemoryMode = .auto, budget: UInt64? = nil, threads: Int? = nil,
            cache: URL? = nil, safety: SafetyPolicy? = nil, safetyClassifier: URL? = nil
        ) {
            self.provider = provider
            self.memory = memory
            self.budget = budget
            self.threads = threads
            self.cache = cache
            self.safety = safety
            self.safetyClassifier = safetyClassifier
        }
    }

    /// What the base model says of itself.
    public nonisolated let info: BundleInfo

    /// How many requests are being drawn or wait for their turn.
    public private(set) var pending = 0

    private let inner: ConesGenerated.Engine
    private let worker: Worker

    /// Opens the base model in a folder. Its graphs are loaded with the first request.
    ///
    /// - Parameters:
    ///   - bundle: the folder, as ``BundleStore`` gives it, or one inside the app.
    ///   - packs: where the subjects of requests are looked for.
    ///   - options: how it runs.
    /// - Throws: ``ConesError``, such as ``ConesError/Kind/badBundle`` and ``ConesError/Kind/providerUnavailable``.
    public init(bundle: URL, packs: PackStore? = nil, options: Options = Options()) async throws {
        let worker = Worker("engine", qos: .userInitiated)
        let store = packs?.inner
        inner = try await worker.run { _ in
            try ConesGenerated.Engine.open(bundle: bundle.path, packs: store, options: options.generated)
        }
        info = inner.info()
        self.worker = worker
    }

    /// Draws the pictures of a request.
    ///
    /// - Parameters:
    ///   - request: what to draw.
    ///   - onProgress: called on the engine's queue at each stage and after each step.
    ///   - onPicture: given each picture as soon as it is drawn. With it ``Generated/pictures`` is empty: of many pictures no more than
    ///     one is in memory, and those that were given stay whatever comes after.
    /// - Throws: ``ConesError``; `CancellationError` when the calling task is cancelled.
    public func generate(
        _ request: Request, onProgress: ProgressHandler? = nil, onPicture: PictureHandler? = nil
    ) async throws -> Generated {
        pending += 1
        defer { pending -= 1 }
        let inner = inner
        return try await worker.run { token in
            let listener = GenerateListener(onProgress, pictures: onPicture)
            return Generated(try inner.generate(request: request.generated, listener: listener, cancel: token))
        }
    }

    /// A queue that draws with this engine.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/badRequest`` for bounds of 0.
    public nonisolated func queue(_ options: Queue.Options = Queue.Options()) throws -> Queue {
        try Queue(inner, options)
    }

    /// What a request will take of memory, and how it will be carried out. Loads nothing; waits for what is being drawn.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/outOfMemory`` if it does not fit, with what would.
    public func memoryPlan(for request: Request) async throws -> MemoryPlan {
        let inner = inner
        return try await worker.run { _ in try inner.memoryPlan(request: request.generated) }
    }

    /// Draws the pictures of a request, as a sequence: progress, each picture as soon as it is drawn, then one
    /// ``GenerateEvent/finished(_:)``.
    ///
    /// Drawing begins at once. It stops when the loop over the sequence is left or its task is cancelled; in a cancelled
    /// task the loop ends without `finished`.
    ///
    /// ```swift
    /// for try await event in engine.events(for: Request("a dog on grass", previewEvery: 1)) {
    ///     switch event {
    ///     case .progress(let progress): bar.value = Double(progress.step) / Double(progress.steps)
    ///     case .picture(let index, let picture): try picture.save(to: folder.appendingPathComponent("\(index).png"))
    ///     case .finished(let generated): show(generated.warnings)
    ///     }
    /// }
    /// ```
    public nonisolated func events(for request: Request) -> AsyncThrowingStream<GenerateEvent, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    let generated = try await generate(
                        request,
                        onProgress: { continuation.yield(.progress($0)) },
                        onPicture: { continuation.yield(.picture($0, $1)) }
                    )
                    continuation.yield(.finished(generated))
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

/// What happens while a request is drawn.
public enum GenerateEvent: Sendable {
    /// A stage was reached or a step has ended.
    case progress(GenerateProgress)
    /// A picture, as soon as it is drawn, with its number from 0.
    case picture(Int, Picture)
    /// All pictures are drawn, and came one by one; this holds warnings and timings. The last event.
    case finished(Generated)
}

extension Engine.Options {
    var generated: EngineOptions {
        EngineOptions(
            provider: provider,
            memory: memory,
            budget: budget,
            threads: threads.map { UInt32(clamping: $0) },
            cache: cache?.path,
            safety: safety,
            safetyClassifier: safetyClassifier?.path
        )
    }
}
