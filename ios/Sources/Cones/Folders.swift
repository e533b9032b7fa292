import Foundation

/// Where an app keeps what Cones needs. Nothing depends on it: every call takes any folder.
public struct Folders: Sendable, Equatable {
    /// Installed packs: small, worth a backup.
    public let packs: URL
    /// Installed base models: large, and can be had again, so they are kept out of backups.
    public let bundles: URL
    /// Models that CoreML has compiled. The system may clear it.
    public let cache: URL
    /// Pictures, where an app keeps them itself.
    public let pictures: URL

    /// Below the app's own Application Support, Caches and Documents, which only the app can read. They are made if need
    /// be.
    public static func standard() throws -> Folders {
        let support = try system(.applicationSupportDirectory).appendingPathComponent("Cones", isDirectory: true)
        let caches = try system(.cachesDirectory).appendingPathComponent("Cones", isDirectory: true)
        let documents = try system(.documentDirectory)
        return try Folders(
            packs: made(support, "packs"),
            bundles: keptOutOfBackups(made(support, "bundles")),
            cache: made(caches, "compiled"),
            pictures: made(documents, "Pictures")
        )
    }

    private static func system(_ folder: FileManager.SearchPathDirectory) throws -> URL {
        try FileManager.default.url(for: folder, in: .userDomainMask, appropriateFor: nil, create: true)
    }

    private static func made(_ parent: URL, _ name: String) throws -> URL {
        let folder = parent.appendingPathComponent(name, isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    private static func keptOutOfBackups(_ folder: URL) throws -> URL {
        #if canImport(Darwin)
        var folder = folder
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try folder.setResourceValues(values)
        #endif
        return folder
    }
}
