import Cones
import Foundation
import XCTest

/// Packs and base models. Names as in `bindings/README.md`.
final class StoreTests: ConesTestCase {
    func test_packs_install_list_verify_remove() async throws {
        let store = try await store()
        let file = try Given.fixture("\(Given.pack).cones")
        var list = try await store.list()
        XCTAssertEqual(list, [])
        let info = try await store.install(file: file, for: Given.bundle)
        XCTAssertEqual([info.name, info.subjectClass, info.trigger], [Given.pack, "dog", "<v1> dog"])
        XCTAssertEqual(try PackInfo(contentsOf: file).sha256, info.sha256)
        list = try await store.list()
        XCTAssertEqual(list, [info])
        var damaged = try await store.verify()
        XCTAssertEqual(damaged, [])

        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: info.path))
        try handle.write(contentsOf: Data("something else".utf8))
        try handle.close()
        damaged = try await store.verify()
        XCTAssertEqual(damaged.map(\.pack.name), [Given.pack])

        var removed = try await store.remove(Given.pack)
        XCTAssertTrue(removed)
        removed = try await store.remove(Given.pack)
        XCTAssertFalse(removed)
        await assertFails(.notFound) { _ = try await store.pack(named: Given.pack) }
    }

    func test_a_pack_from_a_local_catalogue_is_drawn() async throws {
        let store = try await store()
        let catalog = try await store.fetchCatalog(from: Given.catalog(), publicKey: Given.key())
        XCTAssertEqual(catalog.packs.map(\.name), [Given.pack])
        XCTAssertEqual(catalog.info.publisher, "Cones tests")
        let seen = Collected<DownloadProgress>()
        let info = try await store.install(Given.pack, from: catalog, for: Given.bundle) { seen.append($0) }
        XCTAssertEqual(seen.all.last.map { [$0.bytes, $0.total] }, [info.bytes, info.bytes])

        let engine = try await Self.open(packs: store)
        let recipe = try Recipe(contentsOf: Given.fixture("subject.png"))
        XCTAssertEqual(recipe.subjects.map(\.packSha256), [info.sha256])
        try assertSame(
            await engine.generate(XCTUnwrap(recipe.request)), asTheCommandDrew: "subject.png")
        // By its name in the prompt, as the command was asked.
        let named = Request(
            "a {\(Given.pack)} on grass", subjects: [SubjectChoice(Given.pack)], steps: Int(recipe.steps),
            seed: recipe.seed)
        try assertSame(await engine.generate(named), asTheCommandDrew: "subject.png")
        // Off again, exactly.
        let base = try Recipe(contentsOf: Given.fixture("base.png"))
        try assertSame(await engine.generate(XCTUnwrap(base.request)), asTheCommandDrew: "base.png")
    }

    func test_a_base_model_from_a_local_catalogue_draws_the_same() async throws {
        let catalog = try await store().fetchCatalog(from: Given.catalog(), publicKey: Given.key())
        XCTAssertEqual(catalog.bundles.map(\.name), ["toybox"])
        let bundles = try await BundleStore(folder: folder.appendingPathComponent("bundles", isDirectory: true))
        let seen = Collected<DownloadProgress>()
        let path = try await bundles.install("toybox", from: catalog) { seen.append($0) }
        let last = try XCTUnwrap(seen.all.last)
        XCTAssertEqual(last.bytes, last.total)
        let installed = try await bundles.list()
        XCTAssertEqual(installed.map(\.name), ["toybox"])
        XCTAssertEqual(installed.map(\.path), [path.path])
        let found = try await bundles.bundle(named: "toybox")
        XCTAssertEqual(found, path)
        let engine = try await Self.open(path)
        let recipe = try Recipe(contentsOf: Given.fixture("base.png"))
        try assertSame(await engine.generate(XCTUnwrap(recipe.request)), asTheCommandDrew: "base.png")
        let removed = try await bundles.remove("toybox")
        XCTAssertTrue(removed)
    }

    func test_the_usual_folders_are_there() throws {
        let folders = try Folders.standard()
        for folder in [folders.packs, folders.bundles, folders.cache, folders.pictures] {
            var isFolder: ObjCBool = false
            XCTAssertTrue(FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder))
            XCTAssertTrue(isFolder.boolValue)
        }
    }
}
