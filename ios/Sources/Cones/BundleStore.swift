import ConesGenerated
import Foundation

/// A folder of installed base models. Any number of tasks and processes may use one.
///
/// Every call is done on a queue of the store's own. A cancelled task stops an install; what came is kept, and resumed by
/// the next attempt.
public struct BundleStore: Sendable {
    private let inner: ConesGenerated.BundleStore
    private let worker: Worker

    /// Opens the store in a folder, which is made if need be.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/io``, ``ConesError/Kind/badStore``.
    public init(folder: URL) async throws {
        let worker = Worker("bundles", qos: .utility, concurrent: true)
        inner = try await worker.run { _ in try ConesGenerated.BundleStore.open(path: folder.path) }
        self.worker = worker
    }

    /// The folder.
    public var folder: URL { URL(fileURLWithPath: inner.path(), isDirectory: true) }

    /// What is installed, by name.
    public func list() async throws -> [InstalledBundle] {
        try await worker.run { [inner] _ in try inner.list() }
    }

    /// The folder of an installed base model, as ``Engine`` takes it.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/notFound``.
    public func bundle(named name: String) async throws -> URL {
        try await url { [inner] _ in try inner.get(name: name) }
    }

    /// Downloads a base model of a catalogue, file by file, resuming what came before; gives its folder. Where several forms
    /// of it are listed, takes `form` (`exact`, `int8`, …), or the best that the device has the memory for.
    public func install(
        _ name: String, from catalog: Catalog, form: String? = nil, onProgress: DownloadHandler? = nil
    ) async throws -> URL {
        try await url { [inner] token in
            try inner.install(
                catalog: catalog.inner, name: name, listener: Downloading(onProgress), cancel: token, form: form)
        }
    }

    /// Downloads a base model by the URL of its folder; its `bundle.json` must be signed (`bundle.json.minisig`) with the
    /// pinned key, or with one that it has handed signing over to. Gives its folder.
    ///
    /// - Parameters:
    ///   - folder: its URL. Whoever serves it may serve any base model that its publisher ever signed.
    ///   - publicKey: the publisher's pinned key.
    ///   - name: one of another name is refused.
    ///   - fingerprint: one of another fingerprint is refused.
    ///   - onProgress: called on the store's queue.
    /// - Throws: ``ConesError``: ``ConesError/Kind/untrusted``.
    public func install(
        from folder: URL, publicKey: String, name: String? = nil, fingerprint: String? = nil,
        onProgress: DownloadHandler? = nil
    ) async throws -> URL {
        try await url { [inner] token in
            try inner.installUrl(
                url: folder.absoluteString, publicKey: publicKey, listener: Downloading(onProgress), cancel: token,
                name: name, fingerprint: fingerprint)
        }
    }

    /// Installs a base model from a folder that the app got by its own means, such as an asset pack; gives its new folder.
    /// Every file is hashed.
    ///
    /// - Parameters:
    ///   - folder: where it lies. One inside the app needs no install: ``Engine`` opens it as it is.
    ///   - publicKey: with it, `bundle.json.minisig` must lie beside `bundle.json` and be by that key; without it, nobody
    ///     vouches for the folder but whoever made it.
    ///   - moveFiles: moves the files, which costs no space on the same file system; otherwise they are copied.
    ///   - onProgress: called on the store's queue.
    public func install(
        folder: URL, publicKey: String? = nil, moveFiles: Bool = false, onProgress: DownloadHandler? = nil
    ) async throws -> URL {
        try await url { [inner] token in
            try inner.installFolder(
                path: folder.path, publicKey: publicKey, moveFiles: moveFiles, listener: Downloading(onProgress),
                cancel: token)
        }
    }

    /// Gives up what came of interrupted installs; gives the bytes that this frees.
    @discardableResult
    public func clearInterrupted() async throws -> UInt64 {
        try await worker.run { [inner] _ in try inner.clearInterrupted() }
    }

    /// Removes a base model; says whether there was one.
    @discardableResult
    public func remove(_ name: String) async throws -> Bool {
        try await worker.run { [inner] _ in try inner.remove(name: name) }
    }

    private func url(_ work: @escaping @Sendable (CancelToken) throws -> String) async throws -> URL {
        URL(fileURLWithPath: try await worker.run(work), isDirectory: true)
    }
}

extension BundleInfo {
    /// Opens the base model in a folder and tells what it says of itself. Loads no graph and no runtime.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/badBundle``.
    public init(folder: URL) throws {
        self = try ConesError.translated { try bundleInfo(path: folder.path) }
    }

    /// Compares every file of a base model with the hashes it lists. Reads all of it: seconds for a large one.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/badBundle``, which names the file.
    public static func verify(folder: URL) async throws {
        try await Worker("verify", qos: .utility).run { _ in try verifyBundle(path: folder.path) }
    }
}
