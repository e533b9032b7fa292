import Cones
import Foundation
import SwiftUI

/// What is installed, and what a publisher offers.
@MainActor
final class Shelf: ObservableObject {
    @Published private(set) var installed: [PackInfo] = []
    @Published private(set) var models: [Model] = []
    /// The one that draws.
    @Published var model: Model?
    @Published private(set) var catalog: Catalog?
    /// How far the installs under way are, 0 to 1, by name.
    @Published private(set) var progress: [String: Double] = [:]
    @Published var trouble: Trouble?

    private let packs: PackStore
    private let bundles: BundleStore
    private var installs: [String: Task<Void, Never>] = [:]

    init(packs: PackStore, bundles: BundleStore) {
        self.packs = packs
        self.bundles = bundles
    }

    /// The packs that fit the base model that is open.
    func fitting(_ info: BundleInfo) -> [PackInfo] {
        installed.filter { $0.fingerprint == info.fingerprint }
    }

    func refresh() async {
        await attempt {
            installed = try await packs.list()
            models = [Model.inside].compactMap { $0 } + (try await bundles.list().map(Model.init))
            if model == nil || !models.contains(where: { $0 == model }) { model = models.first }
        }
    }

    func fetchCatalog(from text: String, publicKey: String) async {
        await attempt {
            guard let url = URL(string: text) else { throw URLError(.badURL) }
            catalog = try await packs.fetchCatalog(from: url, publicKey: publicKey)
        }
    }

    /// Installs a pack that was shared with the app as a file.
    func install(file: URL) async {
        await attempt {
            let isForeign = file.startAccessingSecurityScopedResource()
            defer { if isForeign { file.stopAccessingSecurityScopedResource() } }
            _ = try await packs.install(file: file, for: model?.folder)
        }
        await refresh()
    }

    func install(_ pack: CatalogPack) {
        install(pack.name) { [packs] catalog, report in
            _ = try await packs.install(pack.name, from: catalog, onProgress: report)
        }
    }

    func install(_ bundle: CatalogBundle) {
        install(bundle.name) { [bundles] catalog, report in
            _ = try await bundles.install(
                bundle.name, from: catalog, form: bundle.form, onProgress: report)
        }
    }

    func cancelInstall(_ name: String) {
        installs[name]?.cancel()
    }

    func remove(_ pack: PackInfo) async {
        await attempt { try await packs.remove(pack.name, fingerprint: pack.fingerprint) }
        await refresh()
    }

    func remove(_ model: Model) async {
        await attempt { try await bundles.remove(model.name) }
        await refresh()
    }

    private func install(
        _ name: String, _ work: @escaping @Sendable (Catalog, @escaping DownloadHandler) async throws -> Void
    ) {
        guard let catalog, installs[name] == nil else { return }
        progress[name] = 0
        let report: DownloadHandler = { [weak self] received in
            let share = Double(received.bytes) / Double(max(received.total, 1))
            Task { @MainActor in
                // One that comes after the end is too late.
                if self?.installs[name] != nil { self?.progress[name] = share }
            }
        }
        installs[name] = Task {
            await attempt { try await work(catalog, report) }
            installs[name] = nil
            progress[name] = nil
            await refresh()
        }
    }

    private func attempt(_ work: @MainActor () async throws -> Void) async {
        do {
            try await work()
        } catch is CancellationError {
            // Who cancelled knows.
        } catch {
            trouble = Trouble(error)
        }
    }
}
