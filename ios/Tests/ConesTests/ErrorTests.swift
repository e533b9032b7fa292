import Cones
import Foundation
import XCTest

/// Names as in `bindings/README.md`.
final class ErrorTests: ConesTestCase {
    func test_errors_tell_their_kind() async throws {
        let engine = try await engine()
        let bundle = await assertFails(.badBundle) { _ = try await Engine(bundle: self.folder) }
        XCTAssertEqual(bundle?.details.contains(folder.path), true)
        XCTAssertEqual(bundle?.reason.isEmpty, false)
        XCTAssertEqual(bundle?.recoverySuggestion?.isEmpty, false)
        XCTAssertEqual(bundle?.localizedDescription, bundle?.errorDescription)
        for steps in [0, -1, Int.max] {
            let request = await assertFails(.badRequest) { _ = try await engine.generate(self.request(steps: steps)) }
            XCTAssertEqual(request?.details, "steps")
        }
        await assertFails(.providerUnavailable) {
            _ = try await Engine(bundle: Given.bundle, options: .init(provider: .nnapi))
        }
        // Nobody is to believe that somebody looks.
        let unseen = await assertFails(.badRequest) {
            _ = try await Engine(bundle: Given.bundle, options: .init(safety: .refuse))
        }
        XCTAssertEqual(unseen?.details, "safety")
        await assertFails(.io) { _ = try Picture(contentsOf: self.folder.appendingPathComponent("nothing.png")) }
        await assertFails(.badRequest) {
            var asked = self.request(steps: 1)
            asked.subjects = [SubjectChoice(Given.pack)]
            _ = try await engine.generate(asked)
        }
        let store = try await store()
        await assertFails(.notFound) { _ = try await store.pack(named: Given.pack) }
        let (picture, pack) = (try Given.fixture("base.png"), try Given.fixture("\(Given.pack).cones"))
        await assertFails(.badPicture) { _ = try Recipe(contentsOf: pack) }
        await assertFails(.badPack) { _ = try await store.install(file: picture) }
        let (catalog, key) = (try Given.catalog(), try Given.key())
        await assertFails(.untrusted) { _ = try await store.fetchCatalog(from: catalog, publicKey: "no key") }
        await assertFails(.network) {
            _ = try await store.fetchCatalog(from: catalog.appendingPathExtension("nothing"), publicKey: key)
        }
    }
}
