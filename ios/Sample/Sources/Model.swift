import Cones
import Foundation

/// A base model that can be opened.
struct Model: Identifiable, Hashable {
    let name: String
    let folder: URL

    var id: URL { folder }

    /// Toybox, which is inside the app.
    static var inside: Model? {
        Bundle.main.url(forResource: "toybox", withExtension: nil).map { Model(name: "Toybox (in the app)", folder: $0) }
    }

    init(name: String, folder: URL) {
        self.name = name
        self.folder = folder
    }

    init(_ installed: InstalledBundle) {
        self.init(name: installed.name, folder: URL(fileURLWithPath: installed.path, isDirectory: true))
    }
}
