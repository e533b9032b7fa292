import Cones
import LiveHeap
import XCTest

/// Names as in `bindings/README.md`.
final class MemoryTests: ConesTestCase {
    func test_many_generations_do_not_grow_memory() async throws {
        try XCTSkipIf(live_heap() == 0, "the C library does not count its heap")
        let one = 3 * 128 * 128
        _ = try await growth(10, keep: false)
        // Half would do: now and then something of an earlier test is freed in the meantime.
        let kept = try await growth(40, keep: true)
        XCTAssertGreaterThan(kept, 20 * one, "what is kept is seen")
        let grown = try await growth(100, keep: false)
        XCTAssertLessThan(grown, 10 * one)
    }

    /// Bytes that are allocated after so many generations and were not before.
    private func growth(_ times: Int, keep: Bool) async throws -> Int {
        let engine = try await engine()
        let before = live_heap()
        var pictures: [Picture] = []
        for seed in 0..<times {
            var asked = request(steps: 1)
            asked.guidance = 1
            asked.seed = UInt64(seed)
            asked.previewEvery = 1
            let generated = try await engine.generate(asked) { _ in }
            if keep { pictures += generated.pictures }
        }
        let after = live_heap()
        return withExtendedLifetime(pictures) { Int(after) - Int(before) }
    }
}
