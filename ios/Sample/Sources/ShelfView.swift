import Cones
import SwiftUI
import UIKit
import UniformTypeIdentifiers

/// Base models and subject packs: what is installed, and what a catalogue offers.
struct ShelfView: View {
    @ObservedObject var shelf: Shelf
    @AppStorage("catalog") private var address = ""
    @AppStorage("key") private var publicKey = ""
    @State private var isChoosing = false

    var body: some View {
        NavigationStack {
            List {
                Section("Base model") {
                    ForEach(shelf.models) { model in
                        ModelRow(model: model, isChosen: model == shelf.model) { shelf.model = model }
                            .deleteDisabled(model == Model.inside)
                    }
                    .onDelete { rows in remove(rows.map { shelf.models[$0] }) }
                }
                Section("Installed subjects") {
                    ForEach(shelf.installed, id: \.sha256) { PackRow(pack: $0) }
                        .onDelete { rows in remove(rows.map { shelf.installed[$0] }) }
                    Button("Install a file") { isChoosing = true }
                }
                Section("Catalogue") {
                    TextField("https://…/catalog.json", text: $address)
                        .keyboardType(.URL)
                    TextField("The publisher's public key", text: $publicKey)
                    Button("Get") { Task { await shelf.fetchCatalog(from: address, publicKey: publicKey) } }
                        .disabled(address.isEmpty || publicKey.isEmpty)
                }
                .autocorrectionDisabled()
                .textInputAutocapitalization(.never)
                if let catalog = shelf.catalog { OfferSection(shelf: shelf, catalog: catalog) }
            }
            .navigationTitle("Subjects")
            .refreshable { await shelf.refresh() }
            .alert($shelf.trouble)
            .fileImporter(isPresented: $isChoosing, allowedContentTypes: [.data]) { choice in
                guard case .success(let file) = choice else { return }
                Task { await shelf.install(file: file) }
            }
        }
    }

    private func remove(_ models: [Model]) {
        Task { for model in models { await shelf.remove(model) } }
    }

    private func remove(_ packs: [PackInfo]) {
        Task { for pack in packs { await shelf.remove(pack) } }
    }
}

/// A base model that can be chosen.
struct ModelRow: View {
    let model: Model
    let isChosen: Bool
    let choose: @MainActor () -> Void

    var body: some View {
        Button(action: choose) {
            HStack {
                Text(model.name)
                Spacer()
                if isChosen { Image(systemName: "checkmark").accessibilityLabel("Chosen") }
            }
        }
    }
}

/// An installed subject.
struct PackRow: View {
    let pack: PackInfo

    var body: some View {
        HStack {
            if let preview = pack.preview.flatMap(UIImage.init(data:)) {
                Image(uiImage: preview)
                    .resizable()
                    .scaledToFit()
                    .frame(width: 44, height: 44)
            }
            VStack(alignment: .leading) {
                Text(pack.name)
                Text("\(pack.trigger), version \(pack.version), by \(pack.author), \(pack.licence)")
                    .font(.caption)
                    .foregroundStyle(.secondary)
                if let reason = pack.withdrawn {
                    Text("Its publisher has withdrawn it. \(reason)")
                        .font(.caption)
                        .foregroundStyle(.red)
                }
            }
        }
    }
}

/// What a catalogue offers.
struct OfferSection: View {
    @ObservedObject var shelf: Shelf
    let catalog: Catalog

    var body: some View {
        Section("By \(catalog.info.publisher)") {
            ForEach(catalog.bundles, id: \.self) { bundle in
                OfferRow(
                    name: bundle.name, bytes: bundle.bytes, words: "base model, \(bundle.form), \(bundle.licence)",
                    progress: shelf.progress[bundle.name], install: { shelf.install(bundle) },
                    cancel: { shelf.cancelInstall(bundle.name) })
            }
            ForEach(catalog.packs, id: \.sha256) { pack in
                OfferRow(
                    name: pack.name, bytes: pack.bytes, words: "\(pack.trigger), for \(pack.model), \(pack.licence)",
                    progress: shelf.progress[pack.name], install: { shelf.install(pack) },
                    cancel: { shelf.cancelInstall(pack.name) })
            }
        }
    }
}

/// One thing on offer.
struct OfferRow: View {
    let name: String
    let bytes: UInt64
    let words: String
    /// `nil` when it is not being installed.
    let progress: Double?
    let install: @MainActor () -> Void
    let cancel: @MainActor () -> Void

    var body: some View {
        HStack {
            VStack(alignment: .leading) {
                Text(name)
                Text("\(words), \(Int64(clamping: bytes).formatted(.byteCount(style: .file)))")
                    .font(.caption)
                    .foregroundStyle(.secondary)
                if let progress { ProgressView(value: progress) }
            }
            Spacer()
            if progress == nil {
                Button("Install", action: install)
            } else {
                Button("Cancel", role: .cancel, action: cancel)
            }
        }
        .buttonStyle(.borderless)
    }
}
