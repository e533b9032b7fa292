import Cones
import Foundation
import SwiftUI

/// The pictures that were drawn: PNG files with their recipes inside.
@MainActor
final class Gallery: ObservableObject {
    /// Newest first.
    @Published private(set) var files: [URL] = []

    private let folder: URL

    init(folder: URL) {
        self.folder = folder
    }

    func refresh() {
        let all = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        // Names begin with the time.
        files = (all ?? []).filter { $0.pathExtension == "png" }
            .sorted { $0.lastPathComponent > $1.lastPathComponent }
    }

    func keep(_ pictures: [Picture]) throws {
        let time = Int(Date().timeIntervalSince1970 * 1000)
        for (index, picture) in pictures.enumerated() {
            let seed = picture.recipe.map { "-seed\($0.seed)" } ?? ""
            try picture.save(to: folder.appendingPathComponent("\(time)-\(index)\(seed).png"))
        }
        refresh()
    }

    func remove(_ file: URL) throws {
        try FileManager.default.removeItem(at: file)
        refresh()
    }
}
