import Cones
import Foundation
import XCTest

/// What every test here has: a folder of its own, and an engine that is shared, for loading graphs takes longer than the
/// tests.
class ConesTestCase: XCTestCase {
    private(set) var folder: URL!

    /// What the library said so far.
    static let log = Collected<LogRecord>()

    private static let initialized: Result<Void, any Error> = Result {
        try ConesRuntime.initialize(logLevel: .debug, library: Given.runtime) { log.append($0) }
    }

    private static let shared = Task { try await open() }

    override func setUp() async throws {
        try Self.initialized.get()
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString, isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    override func tearDown() async throws {
        try FileManager.default.removeItem(at: folder)
    }

    func engine() async throws -> Engine {
        try await Self.shared.value
    }

    /// One thread, as the command was told: what shares two cores with others waits less.
    static func open(_ bundle: URL = Given.bundle, packs: PackStore? = nil) async throws -> Engine {
        try await Engine(bundle: bundle, packs: packs, options: .init(threads: 1))
    }

    func store() async throws -> PackStore {
        try await PackStore(folder: folder.appendingPathComponent("packs", isDirectory: true))
    }

    func request(steps: Int) -> Request {
        Request("a dog on grass", steps: steps, seed: 7)
    }

    func assertSame(
        _ generated: Generated, asTheCommandDrew name: String, file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let expected = try Given.fixture(name)
        let saved = folder.appendingPathComponent(name)
        let picture = try XCTUnwrap(generated.pictures.first, file: file, line: line)
        try picture.save(to: saved)
        XCTAssertEqual(try Data(contentsOf: saved), try Data(contentsOf: expected), file: file, line: line)
        XCTAssertEqual(picture.rgba(), try Picture(contentsOf: expected).rgba(), file: file, line: line)
    }

    /// Does what must fail, and gives its error.
    @discardableResult
    func assertFails(
        _ kind: ConesError.Kind, file: StaticString = #filePath, line: UInt = #line,
        _ work: () async throws -> Void
    ) async -> ConesError? {
        do {
            try await work()
            XCTFail("nothing was thrown", file: file, line: line)
        } catch let error as ConesError {
            XCTAssertEqual(error.kind, kind, "\(error)", file: file, line: line)
            return error
        } catch {
            XCTFail("threw \(error)", file: file, line: line)
        }
        return nil
    }
}

/// What a progress closure of a test throws.
struct OnPurpose: Error {}
