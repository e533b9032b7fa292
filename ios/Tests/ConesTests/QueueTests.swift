import Cones
import Foundation
import XCTest

/// A queue, and who watches it. Names as in `bindings/README.md`.
final class QueueTests: ConesTestCase {
    func test_a_queue_draws_in_order_and_an_error_stops_no_other() async throws {
        let engine = try await engine()
        let alone = try await engine.generate(request(steps: 3)).pictures[0].rgba()
        let queue = try engine.queue(.init(paused: true))
        let single = try queue.add(request(steps: 3))
        let broken = try queue.add(request(steps: 0))
        var two = request(steps: 2)
        two.count = 2
        let pair = try queue.add(two)
        try queue.move(pair, to: 0)
        try queue.remove(try queue.add(request(steps: 1)))
        let waiting = try queue.list()
        XCTAssertTrue(waiting.paused && waiting.entries.allSatisfy { $0.state == .waiting })
        XCTAssertEqual(waiting.entries.map(\.id), [pair, single, broken])
        try queue.resume()
        let failed = try await queue.wait(for: broken)
        XCTAssertEqual(failed.state, .failed)
        XCTAssertEqual(failed.failure?.kind, .badRequest)
        XCTAssertEqual(failed.failure?.details, "steps")
        XCTAssertEqual(try queue.list().entries.map(\.id), [pair, single, broken])
        XCTAssertEqual(try queue.take(pair).map { $0.recipe?.seed }, [7, 8])
        XCTAssertTrue(try queue.take(pair).isEmpty, "given once")
        XCTAssertEqual(try queue.take(single).first?.rgba(), alone)
    }

    func test_what_is_being_drawn_shows_its_progress_and_can_be_cancelled() async throws {
        let queue = try await engine().queue()
        var request = request(steps: 900)
        request.previewEvery = 1
        let long = try queue.add(request)
        for await list in queue.lists {
            guard let entry = list[long], entry.progress?.preview != nil else { continue }
            XCTAssertEqual(entry.state, .drawing)
            XCTAssertTrue(try queue.cancel(long))
            break
        }
        let stopped = try await queue.wait(for: long)
        XCTAssertEqual(stopped.state, .cancelled)
        XCTAssertNil(stopped.progress)
        XCTAssertFalse(try queue.cancel(long))
        try queue.remove(long)
        await assertFails(.notFound) { _ = try await queue.wait(for: long) }
    }

    func test_a_queue_that_is_freed_stops_and_leaves_its_engine() async throws {
        let engine = try await engine()
        var queue: Queue? = try engine.queue()
        try queue?.add(request(steps: 900))
        let lists = try XCTUnwrap(queue?.lists)
        queue = nil
        // The stream ends with its queue, and the engine does not draw 900 steps before it draws for others.
        for await _ in lists {}
        let begin = Date()
        _ = try await engine.generate(request(steps: 1))
        XCTAssertLessThan(Date().timeIntervalSince(begin), 10)
        await assertFails(.badRequest) { _ = try engine.queue(.init(mostEntries: 0)) }
    }
}
