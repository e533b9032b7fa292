import ConesGenerated
import Foundation

/// Draws requests one after another with an engine, on a thread of its own, while an app shows the ``lists``.
///
/// ```swift
/// let queue = try engine.queue()
/// let dog = try queue.add(Request("a dog on grass", previewEvery: 2))
/// let cats = try queue.add(Request("a cat", count: 3))
/// try queue.move(cats, to: 0)
/// for await list in queue.lists { show(list.entries) }
/// ```
///
/// Every call is short and may come from any task, ``wait(for:)`` apart, which suspends. What goes wrong with one request is that
/// request's end (`QueueState.failed`) and touches no other. The engine may be used beside it: one picture at a time is drawn,
/// whoever asks. A queue that nobody holds any more cancels what is in it.
public final class Queue: Sendable {
    private let inner: ConesGenerated.Queue
    private let watch: Watch

    init(_ engine: ConesGenerated.Engine, _ options: Options) throws {
        let watch = Watch()
        self.watch = watch
        inner = try ConesError.translated {
            try ConesGenerated.Queue.open(engine: engine, options: options.generated, listener: watch)
        }
    }

    deinit {
        // It would tell of the end when nobody can ask about it any more.
        watch.finish()
    }

    /// The bounds of a queue. Everything may be left out.
    public struct Options: Sendable, Equatable {
        /// Entries in the list, 1000 if `nil`. Where there are so many, the oldest that are over and have no picture left are
        /// forgotten for a new one; if there is none, the new one is refused.
        public var mostEntries: Int?
        /// Bytes of pixels (3 for each) that nobody took, 256 MiB if `nil`: from there on no further picture is drawn until some
        /// are taken, or their entries removed.
        public var mostBytes: UInt64?
        /// Begins paused.
        public var paused: Bool

        /// Options that differ from the usual ones as given.
        public init(mostEntries: Int? = nil, mostBytes: UInt64? = nil, paused: Bool = false) {
            self.mostEntries = mostEntries
            self.mostBytes = mostBytes
            self.paused = paused
        }

        var generated: QueueOptions {
            QueueOptions(
                mostEntries: mostEntries.map { UInt32(clamping: $0) }, mostBytes: mostBytes, paused: paused)
        }
    }

    /// Everything that is in it now.
    public func list() throws -> QueueList {
        try ConesError.translated { QueueList(try inner.list()) }
    }

    /// The list as it is, and anew with each change, for as long as the queue is held. Of changes that come faster than they are read
    /// the last comes, which holds what the others did. May be asked for several times.
    public var lists: AsyncStream<QueueList> { watch.lists() }

    /// Puts a request behind all others, and gives its id. Whether it can be drawn shows when it is its turn.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/badRequest`` where the list is full (``Options/mostEntries``).
    @discardableResult
    public func add(_ request: Request) throws -> UInt64 {
        try ConesError.translated { try inner.add(request: request.generated) }
    }

    /// Puts one that waits at a place among those that wait: 0 is drawn next, and what is beyond the end is the end.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/notFound``; ``ConesError/Kind/badRequest`` for one that waits no more.
    public func move(_ id: UInt64, to place: Int) throws {
        try ConesError.translated { try inner.moveTo(id: id, place: UInt32(clamping: place)) }
    }

    /// Takes one out of the list: one that waits, which is then never drawn, or one that is over, with the pictures that nobody
    /// took.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/badRequest`` for one that is being drawn: ``cancel(_:)`` that.
    public func remove(_ id: UInt64) throws {
        try ConesError.translated { try inner.remove(id: id) }
    }

    /// Stops one that waits or is being drawn; it stays in the list as `QueueState.cancelled`. What is being drawn stops within a
    /// step, after this has returned. `false` for one that is over.
    @discardableResult
    public func cancel(_ id: UInt64) throws -> Bool {
        try ConesError.translated { try inner.cancel(id: id) }
    }

    /// Begins no further request until ``resume()``. What is being drawn goes on.
    public func pause() throws {
        try ConesError.translated { try inner.pause() }
    }

    /// Goes on.
    public func resume() throws {
        try ConesError.translated { try inner.resume() }
    }

    /// The pictures of a request that nobody took yet, in their order, also while others of it are being drawn.
    public func take(_ id: UInt64) throws -> [Picture] {
        try ConesError.translated { try inner.take(id: id).map(Picture.init) }
    }

    /// Waits until a request is over. Where the queue is full (``QueueList/full``) somebody has to take pictures meanwhile.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/notFound``, also once it is removed; `CancellationError` when the calling task is
    ///   cancelled, which leaves the request alone.
    public func wait(for id: UInt64) async throws -> QueueEntry {
        // A list that was told before may not hold what was added just now.
        let now = try list()
        for await list in lists where list.revision >= now.revision {
            guard let entry = list[id] else { break }
            if entry.isOver { return entry }
        }
        try Task.checkCancellation()
        throw ConesError(.notFound, "no `\(id)` is in the queue", "\(id)", "look into its list again")
    }

    /// Cancels everything, for good, and returns at once: what is being drawn stops within a step.
    public func stop() throws {
        try ConesError.translated { try inner.stop() }
    }
}

/// Everything that is in a queue, at one moment.
public struct QueueList: Sendable {
    /// What is over in the order in which it ended, what is being drawn, and what waits in its order.
    public let entries: [QueueEntry]
    /// Whether no further request begins.
    public let paused: Bool
    /// Whether nothing goes on until pictures are taken or their entries removed.
    public let full: Bool
    /// Grows with each change.
    public let revision: UInt64

    /// The entry of an id, if there is one.
    public subscript(id: UInt64) -> QueueEntry? { entries.first { $0.id == id } }

    init(_ list: ConesGenerated.QueueList) {
        entries = list.entries.map(QueueEntry.init)
        paused = list.paused
        full = list.full
        revision = list.revision
    }
}

/// One request of a queue.
public struct QueueEntry: Sendable, Identifiable {
    /// What names it; ids count up from 1.
    public let id: UInt64
    /// What is to be drawn, as it was asked for.
    public let prompt: String
    /// How far it is.
    public let state: QueueState
    /// How many pictures it asks for.
    public let pictures: Int
    /// How many are drawn, without those that were refused.
    public let drawn: Int
    /// How many of these nobody took yet.
    public let ready: Int
    /// What was told last while it is being drawn, with the last preview that came.
    public let progress: GenerateProgress?
    /// Why it failed.
    public let failure: ConesError?
    /// Pictures that were refused as not safe.
    public let refused: [RefusedPicture]
    /// What a person may want to know, once it is drawn.
    public let warnings: [String]
    /// Where the time went, once it is drawn.
    public let timings: Timings?

    /// Whether nothing comes any more.
    public var isOver: Bool { state != .waiting && state != .drawing }

    init(_ entry: ConesGenerated.QueueEntry) {
        id = entry.id
        prompt = entry.prompt
        state = entry.state
        pictures = Int(entry.pictures)
        drawn = Int(entry.drawn)
        ready = Int(entry.ready)
        progress = entry.progress
        failure = entry.failure.map { ConesError($0) }
        refused = entry.refused
        warnings = entry.warnings
        timings = entry.timings
    }
}

/// Keeps the last list, and hands each on to everybody who looks.
private final class Watch: QueueListener, @unchecked Sendable {
    private let lock = NSLock()
    private var last: QueueList?
    private var looking: [UUID: AsyncStream<QueueList>.Continuation] = [:]
    private var isOver = false

    func onChange(list: ConesGenerated.QueueList) throws {
        let list = QueueList(list)
        let looking = lock.withLock {
            last = list
            return Array(self.looking.values)
        }
        for continuation in looking { continuation.yield(list) }
    }

    func lists() -> AsyncStream<QueueList> {
        let (stream, continuation) = AsyncStream.makeStream(of: QueueList.self, bufferingPolicy: .bufferingNewest(1))
        let id = UUID()
        continuation.onTermination = { [weak self] _ in self?.leave(id) }
        let isOver = lock.withLock {
            if let last { continuation.yield(last) }
            if !self.isOver { looking[id] = continuation }
            return self.isOver
        }
        if isOver { continuation.finish() }
        return stream
    }

    /// There are no more lists.
    func finish() {
        let looking = lock.withLock {
            isOver = true
            return Array(self.looking.values)
        }
        for continuation in looking { continuation.finish() }
    }

    private func leave(_ id: UUID) {
        lock.withLock { looking[id] = nil }
    }
}
