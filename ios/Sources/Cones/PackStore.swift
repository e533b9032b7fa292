import ConesGenerated
import Foundation

/// A folder of installed packs. Any number of engines, tasks and processes may use one.
///
/// Every call that touches the disk or the network is done on a queue of the store's own. A cancelled task stops a
/// download at its next piece; what came is kept, and resumed by the next attempt.
public struct PackStore: Sendable {
    let inner: ConesGenerated.PackStore
    private let worker: Worker

    /// Opens the store in a folder, which is made if need be.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/io``, ``ConesError/Kind/badStore``.
    public init(folder: URL) async throws {
        let worker = Worker("packs", qos: .utility, concurrent: true)
        inner = try await worker.run { _ in try ConesGenerated.PackStore.open(path: folder.path) }
        self.worker = worker
    }

    /// The folder.
    public var folder: URL { URL(fileURLWithPath: inner.path(), isDirectory: true) }

    /// What is installed, by name.
    public func list() async throws -> [PackInfo] {
        try await worker.run { [inner] _ in try inner.list() }
    }

    /// An installed pack; where several base models' packs share the name, that of `fingerprint`.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/notFound``.
    public func pack(named name: String, fingerprint: String? = nil) async throws -> PackInfo {
        try await worker.run { [inner] _ in try inner.get(name: name, fingerprint: fingerprint) }
    }

    /// Installs a pack file.
    ///
    /// - Parameters:
    ///   - file: a `.cones` file.
    ///   - bundle: the folder of a base model, to have the pack decoded for it first; without it header and checksum are
    ///     checked.
    /// - Throws: ``ConesError``: ``ConesError/Kind/badPack``, ``ConesError/Kind/wrongModel``, ``ConesError/Kind/outOfSpace``.
    @discardableResult
    public func install(file: URL, for bundle: URL? = nil) async throws -> PackInfo {
        try await worker.run { [inner] _ in try inner.installFile(path: file.path, bundle: bundle?.path) }
    }

    /// Gets a catalogue and checks it against the publisher's pinned key. One that has expired, or is older than this
    /// store has seen from that key, is refused. Where the pinned key has handed signing over to others (`keys.json` beside
    /// it, which this store remembers), theirs count, and revoked ones do not.
    ///
    /// - Parameters:
    ///   - url: that of `catalog.json`: HTTPS, or HTTP on this device itself or at an address in numbers of its own network.
    ///   - publicKey: the publisher's key, as `cones keygen` prints it. Keep it in the app.
    /// - Throws: ``ConesError``: ``ConesError/Kind/network``, ``ConesError/Kind/untrusted``.
    public func fetchCatalog(from url: URL, publicKey: String) async throws -> Catalog {
        try await worker.run { [inner] token in
            Catalog(try inner.fetchCatalog(url: url.absoluteString, publicKey: publicKey, cancel: token))
        }
    }

    /// The same for a catalogue that the app got by its own means. Where there is a `keys.json`, give that to
    /// ``acceptKeys(json:signature:url:publicKey:)`` first.
    ///
    /// - Parameters:
    ///   - json: `catalog.json`.
    ///   - signature: the text of `catalog.json.minisig`.
    ///   - url: what the addresses in it are relative to.
    ///   - publicKey: the publisher's key.
    public func acceptCatalog(json: Data, signature: String, url: URL, publicKey: String) async throws -> Catalog {
        try await worker.run { [inner] _ in
            let url = url.absoluteString
            return Catalog(
                try inner.acceptCatalog(url: url, json: json, signature: signature, publicKey: publicKey))
        }
    }

    /// Checks a statement of keys that the app got by its own means, and remembers it: which keys count in place of the pinned
    /// one, and which were revoked. ``fetchCatalog(from:publicKey:)`` does so by itself.
    ///
    /// - Parameters:
    ///   - json: `keys.json`.
    ///   - signature: the text of `keys.json.minisig`.
    ///   - url: what messages call it.
    ///   - publicKey: the publisher's pinned key.
    /// - Throws: ``ConesError``: ``ConesError/Kind/untrusted``.
    public func acceptKeys(json: Data, signature: String, url: URL, publicKey: String) async throws {
        try await worker.run { [inner] _ in
            try inner.acceptKeys(
                url: url.absoluteString, json: json, signature: signature, publicKey: publicKey)
        }
    }

    /// Downloads the newest version of a pack and installs it. What an earlier attempt left is resumed; what is installed
    /// already is not downloaded again.
    ///
    /// - Parameters:
    ///   - name: its name in the catalogue.
    ///   - catalog: where it is on offer.
    ///   - bundle: the folder of a base model, to have the pack for that one, decoded for it first.
    ///   - onProgress: called on the store's queue.
    @discardableResult
    public func install(
        _ name: String, from catalog: Catalog, for bundle: URL? = nil, onProgress: DownloadHandler? = nil
    ) async throws -> PackInfo {
        try await worker.run { [inner] token in
            try inner.install(
                catalog: catalog.inner, name: name, bundle: bundle?.path, listener: Downloading(onProgress),
                cancel: token)
        }
    }

    /// Installs what the catalogue has in newer versions, of packs that were installed from catalogues of its publisher; gives
    /// those that were replaced, as they are now. What a publisher has withdrawn, ``list()`` tells.
    ///
    /// - Parameters:
    ///   - catalog: the publisher's newest.
    ///   - onProgress: called on the store's queue.
    @discardableResult
    public func update(from catalog: Catalog, onProgress: DownloadHandler? = nil) async throws -> [PackInfo] {
        try await worker.run { [inner] token in
            try inner.update(catalog: catalog.inner, listener: Downloading(onProgress), cancel: token)
        }
    }

    /// Reads every pack again; gives those that are damaged.
    public func verify() async throws -> [DamagedPack] {
        try await worker.run { [inner] _ in try inner.verify() }
    }

    /// Removes a pack; of all base models, if no fingerprint is given. Says whether there was one.
    @discardableResult
    public func remove(_ name: String, fingerprint: String? = nil) async throws -> Bool {
        try await worker.run { [inner] _ in try inner.remove(name: name, fingerprint: fingerprint) }
    }
}

extension PackInfo {
    /// What a pack's file says of itself, installed or not. Header and checksums are checked.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/badPack``.
    public init(contentsOf file: URL) throws {
        self = try ConesError.translated { try readPack(path: file.path) }
    }
}
