import Cones

/// The one request that follows a slider: a newer one takes its place, whether it waits or is being drawn.
struct Live {
    private let queue: Queue
    /// Those that stand in the queue: the last, and others whose end was not seen yet.
    private(set) var ids: Set<UInt64> = []
    private var last: UInt64?

    init(_ queue: Queue) {
        self.queue = queue
    }

    /// Is drawn next, in the place of what was asked before.
    mutating func ask(_ request: Request) throws {
        try drop()
        let id = try queue.add(request)
        ids.insert(id)
        last = id
        do {
            // Nobody who moves a slider waits for ten others.
            try queue.move(id, to: 0)
        } catch let error as ConesError where error.kind == .badRequest {
            // It has begun, which is as good.
        }
    }

    /// Gives up what was asked.
    mutating func drop() throws {
        guard let id = last else { return }
        last = nil
        if try queue.list()[id] != nil { try queue.cancel(id) }
    }

    /// Takes one that is over out of the list.
    mutating func forget(_ id: UInt64) throws {
        ids.remove(id)
        try queue.remove(id)
    }
}
