import Foundation

/// One piece of work, from the moment it is asked for until its asker is answered: exactly once, whatever happens first.
final class Job<Value: Sendable>: @unchecked Sendable {
    typealias Asker = CheckedContinuation<Value, any Error>

    private enum State {
        /// Nobody waits yet.
        case new
        /// The asker waits, the work has not begun.
        case waiting(Asker)
        /// The work has begun, and its outcome is the answer.
        case begun
        /// The asker is answered, or will be as soon as there is one.
        case ended
    }

    private let lock = NSLock()
    private var state = State.new

    /// Has `asker` answered when the work ends; at once if the job was abandoned. Says whether it is worth queueing.
    func wait(_ asker: Asker) -> Bool {
        let abandoned = lock.withLock {
            if case .new = state {
                state = .waiting(asker)
                return false
            }
            return true
        }
        if abandoned {
            asker.resume(throwing: CancellationError())
        }
        return !abandoned
    }

    /// Does the work and answers, unless the job was abandoned.
    func run(_ work: () throws -> Value) {
        let asker: Asker? = lock.withLock {
            guard case .waiting(let asker) = state else { return nil }
            state = .begun
            return asker
        }
        guard let asker else { return }
        let outcome = Result(catching: work)
        lock.withLock { state = .ended }
        asker.resume(with: outcome)
    }

    /// Gives the job up if it has not begun. Work that has begun is stopped by its token, and answers itself.
    func abandon() {
        let asker: Asker? = lock.withLock {
            switch state {
            case .new:
                state = .ended
                return nil
            case .waiting(let asker):
                state = .ended
                return asker
            case .begun, .ended:
                return nil
            }
        }
        asker?.resume(throwing: CancellationError())
    }
}
