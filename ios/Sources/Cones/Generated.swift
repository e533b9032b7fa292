import ConesGenerated

/// What a request came to.
public struct Generated: Sendable {
    /// The pictures in the order of their seeds, without those that were given one by one.
    public let pictures: [Picture]
    /// Pictures that are not among them since they are not safe.
    public let refused: [RefusedPicture]
    /// What a person may want to know, such as a prompt that was too long.
    public let warnings: [String]
    /// Where the time went.
    public let timings: Timings

    init(_ generated: ConesGenerated.Generated) {
        pictures = generated.pictures.map(Picture.init)
        refused = generated.refused
        warnings = generated.warnings
        timings = generated.timings
    }
}
