import Cones
import Foundation
import XCTest

/// Names as in `bindings/README.md`.
final class GenerateTests: ConesTestCase {
    func test_initialize_once_and_log_to_the_host() async throws {
        await assertFails(.alreadyInitialized) { try ConesRuntime.initialize() }
        _ = try await engine().generate(request(steps: 1))
        let lines = Self.log.all
        XCTAssertTrue(lines.contains { $0.target.hasPrefix("cones_core") })
        for line in lines where line.level != .debug && line.level != .trace {
            XCTAssertFalse(line.text.contains("on grass"))
            XCTAssertFalse(line.text.contains(folder.path))
        }
    }

    func test_open_reports_the_bundle() async throws {
        let info = try await engine().info
        XCTAssertEqual(info, try BundleInfo(folder: Given.bundle))
        XCTAssertEqual(info.name, "toybox")
        XCTAssertEqual([info.width, info.height], [128, 128])
        XCTAssertEqual(info.fingerprint.count, 64)
        try await BundleInfo.verify(folder: Given.bundle)
        let report = try await ConesRuntime.deviceReport()
        XCTAssertNotNil(report.runtime)
        let cpu = try XCTUnwrap(report.providers.first { $0.provider == .cpu })
        XCTAssertTrue(cpu.available)
        let nnapi = try XCTUnwrap(report.providers.first { $0.provider == .nnapi })
        XCTAssertFalse(nnapi.reason.isEmpty || nnapi.hint.isEmpty)
    }

    func test_generate_draws_the_same_picture_as_the_command() async throws {
        let recipe = try Recipe(contentsOf: Given.fixture("base.png"))
        let generated = try await engine().generate(XCTUnwrap(recipe.request))
        try assertSame(generated, asTheCommandDrew: "base.png")
        XCTAssertEqual(generated.pictures[0].recipe, recipe)
    }

    func test_progress_comes_in_order() async throws {
        var asked = request(steps: 3)
        asked.count = 2
        var seen: [GenerateProgress] = []
        var finished: Generated?
        var pictures: [Int] = []
        for try await event in try await engine().events(for: asked) {
            XCTAssertNil(finished, "nothing comes after the end")
            switch event {
            case .progress(let progress): seen.append(progress)
            case .picture(let index, _): pictures.append(index)
            case .finished(let generated): finished = generated
            }
        }
        var expected: [[Int]] = [[0, 0, 0]]
        for picture in 0...1 {
            for step in 1...3 { expected.append([1, picture, step]) }
            for stage in 2...3 { expected.append([stage, picture, 3]) }
        }
        let stages: [Stage] = [.preparing, .denoising, .decoding, .finished]
        XCTAssertEqual(
            seen.map { [stages.firstIndex(of: $0.stage) ?? -1, Int($0.picture), Int($0.step)] }, expected)
        XCTAssertTrue(seen.allSatisfy { $0.pictures == 2 && $0.steps == 3 && $0.preview == nil })
        XCTAssertEqual(pictures, [0, 1])
        XCTAssertEqual(finished?.pictures.count, 0)
    }

    func test_pictures_come_one_by_one() async throws {
        let engine = try await engine()
        var asked = request(steps: 2)
        asked.count = 3
        let all = try await engine.generate(asked).pictures.map { $0.rgba() }
        let given = Collected<Data>()
        let generated = try await engine.generate(asked, onPicture: { _, picture in given.append(picture.rgba()) })
        XCTAssertEqual(given.all, all)
        XCTAssertTrue(generated.pictures.isEmpty)

        // Who cannot take one stops the others, and has what came.
        struct FullDisk: Error {}
        let first = Collected<Data>()
        let unable = asked
        await assertFails(.listenerFailed) {
            _ = try await engine.generate(unable, onPicture: { index, picture in
                if index > 0 { throw FullDisk() }
                first.append(picture.rgba())
            })
        }
        XCTAssertEqual(first.all, [all[0]])
    }

    func test_preview_has_the_size_announced() async throws {
        let engine = try await engine()
        let scale = Int(try XCTUnwrap(engine.info.previewScale))
        let (width, height) = (2 * Int(engine.info.width), Int(engine.info.height))
        var asked = request(steps: 4)
        asked.width = width
        asked.previewEvery = 2
        let seen = Collected<GenerateProgress>()
        _ = try await engine.generate(asked) { seen.append($0) }
        let shown = seen.all.filter { $0.preview != nil }
        XCTAssertEqual(shown.map(\.step), [2, 4])
        for preview in shown.compactMap(\.preview) {
            XCTAssertEqual([Int(preview.width), Int(preview.height)], [width / scale, height / scale])
            XCTAssertEqual(preview.rgba.count, 4 * Int(preview.width * preview.height))
        }
    }

    func test_threads_queue_and_draw_what_they_would_draw_alone() async throws {
        let engine = try await engine()
        let asked = (0..<3).map { seed in
            var asked = request(steps: 2)
            asked.guidance = 1 + Float(seed)
            return asked
        }
        var alone: [Data] = []
        for request in asked { alone.append(try await engine.generate(request).pictures[0].rgba()) }
        let together = try await withThrowingTaskGroup(of: (Int, Data).self) { group in
            for (index, request) in asked.enumerated() {
                group.addTask { (index, try await engine.generate(request).pictures[0].rgba()) }
            }
            var drawn = [Data](repeating: Data(), count: asked.count)
            for try await (index, rgba) in group { drawn[index] = rgba }
            return drawn
        }
        XCTAssertEqual(together, alone)
        let pending = await engine.pending
        XCTAssertEqual(pending, 0)
    }

    func test_a_picture_of_the_host_can_be_started_from() async throws {
        let engine = try await engine()
        let rgba = try await engine.generate(request(steps: 2)).pictures[0].rgba()
        let picture = try Picture(width: 128, height: 128, rgba: rgba)
        XCTAssertEqual(picture.rgba(), rgba)
        XCTAssertNil(picture.recipe)
        var asked = request(steps: 4)
        asked.start = StartPicture(picture, strength: 0.5)
        let again = try await engine.generate(asked).pictures[0]
        XCTAssertEqual(again.recipe?.`init`?.strength, 0.5)
        XCTAssertNil(again.recipe?.request, "the picture it began with is not in the recipe")
        XCTAssertEqual([again.width, again.height], [128, 128])
        asked.start = StartPicture(picture, strength: 1, inpaint: InpaintRegion(feather: 2, outpaint: .init(right: 32)))
        let wide = try await engine.generate(asked).pictures[0]
        XCTAssertEqual([wide.width, wide.height], [160, 128])
        XCTAssertEqual(wide.recipe?.`init`?.inpaint?.outpaint.right, 32)
        asked.start?.inpaint?.grow = -1
        await assertFails(.badRequest) { [asked] in _ = try await engine.generate(asked) }
        await assertFails(.badRequest) { _ = try Picture(width: 128, height: 127, rgba: rgba) }
    }
}
