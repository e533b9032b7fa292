import Cones
import Foundation
import XCTest

/// Cancelling, and closures that throw. Names as in `bindings/README.md`.
final class StopTests: ConesTestCase {
    func test_cancel_stops_within_a_step_and_leaves_the_engine_usable() async throws {
        let engine = try await engine()
        let before = try await engine.generate(request(steps: 3)).pictures[0].rgba()
        let (begun, signal) = AsyncStream.makeStream(of: Void.self)
        let cancelled = Collected<Void>()
        let late = Collected<GenerateProgress>()
        let long = request(steps: 900)
        let task = Task {
            try await engine.generate(long) { progress in
                if !cancelled.all.isEmpty { late.append(progress) }
                if progress.step == 2 { signal.finish() }
            }
        }
        for await _ in begun {}
        task.cancel()
        cancelled.append(())
        await assertCancelled(task)
        // The step that was ending, at the most.
        XCTAssertLessThanOrEqual(late.all.count, 1)
        let after = try await engine.generate(request(steps: 3)).pictures[0].rgba()
        XCTAssertEqual(after, before)
    }

    func test_leaving_the_loop_over_the_events_stops_drawing() async throws {
        let engine = try await engine()
        for try await event in engine.events(for: request(steps: 900)) {
            if case .progress(let progress) = event, progress.step == 2 { break }
        }
        // It would wait for all 900 steps.
        let begin = Date()
        _ = try await engine.generate(request(steps: 1))
        XCTAssertLessThan(Date().timeIntervalSince(begin), 10)
    }

    func test_who_waits_for_the_engine_can_be_cancelled() async throws {
        let engine = try await engine()
        let (begun, signal) = AsyncStream.makeStream(of: Void.self)
        let (long, short) = (request(steps: 900), request(steps: 1))
        let drawing = Task {
            try await engine.generate(long) { progress in
                if progress.step == 1 { signal.finish() }
            }
        }
        for await _ in begun {}
        let waiting = Task { try await engine.generate(short) }
        waiting.cancel()
        await assertCancelled(waiting)
        let pending = await engine.pending
        XCTAssertEqual(pending, 1, "the other one is still being drawn")
        drawing.cancel()
        await assertCancelled(drawing)
        let cancelledBefore = Task {
            try await Task.sleep(nanoseconds: 0)
            return try await engine.generate(short)
        }
        cancelledBefore.cancel()
        await assertCancelled(cancelledBefore)
    }

    func test_a_throwing_listener_stops_cleanly() async throws {
        let engine = try await engine()
        let before = try await engine.generate(request(steps: 3)).pictures[0].rgba()
        let seen = Collected<GenerateProgress>()
        let error = await assertFails(.listenerFailed) {
            _ = try await engine.generate(self.request(steps: 3)) { progress in
                seen.append(progress)
                throw OnPurpose()
            }
        }
        XCTAssertEqual(error?.reason.contains("OnPurpose"), true)
        XCTAssertEqual(seen.all.count, 1)
        let after = try await engine.generate(request(steps: 3)).pictures[0].rgba()
        XCTAssertEqual(after, before)

        let store = try await store()
        let catalog = try await store.fetchCatalog(from: Given.catalog(), publicKey: Given.key())
        await assertFails(.listenerFailed) {
            _ = try await store.install(Given.pack, from: catalog) { _ in throw OnPurpose() }
        }
        let installed = try await store.list()
        XCTAssertEqual(installed, [])
    }

    private func assertCancelled<Value>(
        _ task: Task<Value, any Error>, file: StaticString = #filePath, line: UInt = #line
    ) async {
        switch await task.result {
        case .success: XCTFail("it was not cancelled", file: file, line: line)
        case .failure(let error): XCTAssertTrue(error is CancellationError, "\(error)", file: file, line: line)
        }
    }
}
