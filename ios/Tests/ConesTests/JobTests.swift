import Foundation
import XCTest

@testable import Cones

/// A job answers exactly once, whatever happens first; `CheckedContinuation` ends the process otherwise.
final class JobTests: XCTestCase {
    func test_abandoned_before_anybody_waits() async {
        let job = Job<Int>()
        job.abandon()
        await assertCancelled { asker in
            XCTAssertFalse(job.wait(asker))
            job.run { 1 }
        }
    }

    func test_abandoned_before_it_begins() async {
        let job = Job<Int>()
        await assertCancelled { asker in
            XCTAssertTrue(job.wait(asker))
            job.abandon()
            job.run { 1 }
            job.abandon()
        }
    }

    func test_abandoned_while_it_runs_answers_with_the_work() async throws {
        let job = Job<Int>()
        let value = try await withCheckedThrowingContinuation { asker in
            XCTAssertTrue(job.wait(asker))
            job.run {
                job.abandon()
                return 7
            }
            job.abandon()
        }
        XCTAssertEqual(value, 7)
    }

    func test_cancelling_at_any_moment_answers() async {
        let worker = Worker("tests", qos: .userInitiated)
        for _ in 0..<2000 {
            let task = Task { try await worker.run { token in token.isCancelled() } }
            let canceller = Task.detached { task.cancel() }
            _ = await task.result
            await canceller.value
        }
    }

    private func assertCancelled(_ body: (Job<Int>.Asker) -> Void) async {
        do {
            _ = try await withCheckedThrowingContinuation(body)
            XCTFail("nothing was thrown")
        } catch {
            XCTAssertTrue(error is CancellationError)
        }
    }
}
