import ConesGenerated
import Dispatch

/// A queue for calls that block for seconds: on Swift's own pool of threads they would hold up the whole app.
struct Worker: Sendable {
    private let queue: DispatchQueue

    /// One call after the other, or, for a store, several at once: a long download must not hold up a list.
    init(_ label: String, qos: DispatchQoS, concurrent: Bool = false) {
        queue = DispatchQueue(label: "dev.cones.\(label)", qos: qos, attributes: concurrent ? .concurrent : [])
    }

    /// Does `work` on the queue. When the calling task is cancelled, work that waits is given up at once; work that has
    /// begun is stopped through the token it is given, and has ended when this returns.
    ///
    /// Throws `ConesError`, or `CancellationError`.
    func run<Value: Sendable>(_ work: @escaping @Sendable (CancelToken) throws -> Value) async throws -> Value {
        let token = CancelToken()
        let job = Job<Value>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { asker in
                guard job.wait(asker) else { return }
                queue.async {
                    job.run { try ConesError.translated { try work(token) } }
                }
            }
        } onCancel: {
            token.cancel()
            job.abandon()
        }
    }
}
