import Cones
import SwiftUI

@main
struct ConesSampleApp: App {
    @StateObject private var start = Start()

    var body: some Scene {
        WindowGroup {
            switch start.outcome {
            case nil:
                ProgressView("Opening")
                    .task { await start.open() }
            case .failure(let trouble):
                TroubleView(trouble: trouble)
            case .success(let parts):
                MainView(studio: parts.studio, shelf: parts.shelf, gallery: parts.gallery)
            }
        }
    }
}

/// What the app needs before it can show anything.
@MainActor
final class Start: ObservableObject {
    struct Parts {
        let studio: Studio
        let shelf: Shelf
        let gallery: Gallery
    }

    @Published private(set) var outcome: Result<Parts, Trouble>?

    func open() async {
        do {
            // A second scene of the same process finds it done.
            try? ConesRuntime.initialize(logLevel: .info)
            let folders = try Folders.standard()
            let packs = try await PackStore(folder: folders.packs)
            let bundles = try await BundleStore(folder: folders.bundles)
            let gallery = Gallery(folder: folders.pictures)
            let shelf = Shelf(packs: packs, bundles: bundles)
            let studio = Studio(packs: packs, cache: folders.cache, gallery: gallery)
            await shelf.refresh()
            gallery.refresh()
            outcome = .success(Parts(studio: studio, shelf: shelf, gallery: gallery))
        } catch {
            outcome = .failure(Trouble(error))
        }
    }
}

/// The screens.
struct MainView: View {
    @ObservedObject var studio: Studio
    @ObservedObject var shelf: Shelf
    @ObservedObject var gallery: Gallery
    @AppStorage("catalog") private var address = ""
    @AppStorage("key") private var publicKey = ""
    @State private var page = Page.draw

    enum Page { case draw, photo, queue, gallery, subjects, how }

    /// What the engine that is open was opened with.
    private struct Opened: Hashable {
        let model: Model?
        let choices: Studio.Choices
    }

    var body: some View {
        TabView(selection: $page) {
            DrawView(studio: studio, shelf: shelf)
                .tabItem { Label("Draw", systemImage: "paintbrush") }
                .tag(Page.draw)
            PhotoView(studio: studio)
                .tabItem { Label("Photo", systemImage: "photo") }
                .tag(Page.photo)
            QueueView(studio: studio)
                .tabItem { Label("Queue", systemImage: "list.number") }
                .badge(studio.line.filter { !$0.isOver }.count)
                .tag(Page.queue)
            GalleryView(gallery: gallery, studio: studio)
                .tabItem { Label("Gallery", systemImage: "photo.on.rectangle") }
                .tag(Page.gallery)
            ShelfView(shelf: shelf)
                .tabItem { Label("Subjects", systemImage: "shippingbox") }
                .tag(Page.subjects)
            ChoicesView(studio: studio)
                .tabItem { Label("How", systemImage: "gearshape") }
                .tag(Page.how)
        }
        .onOpenURL(perform: take)
        .task(id: Opened(model: shelf.model, choices: studio.choices)) {
            guard let model = shelf.model else { return }
            await studio.use(model)
        }
    }

    /// A link to a catalogue, as a studio's QR code has it. Nothing is fetched before the person says so.
    private func take(_ link: URL) {
        guard link.scheme == "cones", link.host == "catalog",
            let parts = URLComponents(url: link, resolvingAgainstBaseURL: false)?.queryItems
        else { return }
        let value = { (name: String) in parts.first { $0.name == name }?.value ?? "" }
        (address, publicKey) = (value("url"), value("key"))
        page = .subjects
    }
}
