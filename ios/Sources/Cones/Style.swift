import ConesGenerated
import Foundation

extension Style {
    /// The styles in a file: a list in JSON, or the `styles.csv` of AUTOMATIC1111's web UI.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/io``; ``ConesError/Kind/badRequest`` when it is neither.
    public static func read(contentsOf file: URL) throws -> [Style] {
        try ConesError.translated { try readStyles(path: file.path) }
    }
}
