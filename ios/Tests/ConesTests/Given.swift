import Cones
import Foundation
import XCTest

/// What the tests are given, by the environment variables that `cargo xtask test-bindings` sets for every language
/// (`xtask/src/host/mod.rs`). With the library's folder alone, what needs a publisher is skipped.
enum Given {
    static let pack = "fluent-dog"

    /// Folder of the base model; the repository's own if nothing is said.
    static let bundle: URL = {
        if let path = variable("CONES_BUNDLE") { return URL(fileURLWithPath: path, isDirectory: true) }
        return repository.appendingPathComponent("models/toybox/bundle", isDirectory: true)
    }()

    /// A file drawn or made by the `cones` command.
    static func fixture(_ name: String) throws -> URL {
        let folder = try needed("CONES_FIXTURE")
        return URL(fileURLWithPath: folder, isDirectory: true).appendingPathComponent(name)
    }

    /// A catalogue that is served on this machine, with a pack and the base model.
    static func catalog() throws -> URL {
        let address = try needed("CONES_CATALOG")
        return try XCTUnwrap(URL(string: address))
    }

    /// Its publisher's public key.
    static func key() throws -> String {
        try needed("CONES_KEY")
    }

    /// ONNX Runtime; where `cargo xtask setup` put it if nothing is said. On iOS it is linked in.
    static let runtime: URL? = {
        #if os(iOS)
        return nil
        #else
        if let path = variable("ORT_DYLIB_PATH") { return URL(fileURLWithPath: path) }
        let note = repository.appendingPathComponent("target/onnxruntime/path")
        guard let path = try? String(contentsOf: note, encoding: .utf8) else { return nil }
        return URL(fileURLWithPath: path.trimmingCharacters(in: .whitespacesAndNewlines))
        #endif
    }()

    /// ios/Tests/ConesTests/Given.swift, four folders up.
    private static let repository: URL = {
        var folder = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { folder.deleteLastPathComponent() }
        return folder
    }()

    private static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func needed(_ name: String) throws -> String {
        guard let value = variable(name) else {
            throw XCTSkip("\(name) is not set; `cargo xtask test-bindings` sets it")
        }
        return value
    }
}
