import ConesGenerated
import Foundation

/// A picture. Copies of this value share one picture, whose pixels stay inside the library until they are asked for.
public struct Picture: Sendable {
    let inner: ConesGenerated.Picture

    init(_ inner: ConesGenerated.Picture) {
        self.inner = inner
    }

    /// Reads a PNG, JPEG or WebP file, with the recipe inside if there is one; transparent parts become white. Takes some
    /// tens of milliseconds for a photo.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/io``, ``ConesError/Kind/badPicture``.
    public init(contentsOf file: URL) throws {
        inner = try ConesError.translated { try ConesGenerated.Picture.open(path: file.path) }
    }

    /// From RGBA bytes, row by row from the top left, alpha not multiplied in; transparent parts become white.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/badRequest`` when `rgba` is not `4 * width * height` bytes long.
    public init(width: Int, height: Int, rgba: Data) throws {
        inner = try ConesError.translated {
            try .fromRgba(width: UInt32(clamping: width), height: UInt32(clamping: height), rgba: rgba)
        }
    }

    /// Pixels across.
    public var width: Int { Int(inner.width()) }

    /// Pixels down.
    public var height: Int { Int(inner.height()) }

    /// `4 * width * height` bytes, row by row from the top left, every alpha 255. Copied at each call.
    public func rgba() -> Data { inner.rgba() }

    /// How it was drawn; `nil` for a picture that was not drawn by Cones.
    public var recipe: Recipe? { inner.recipe() }

    /// What the safety classifier found in it; `nil` where none was asked, and for pictures that were opened.
    public var verdict: Verdict? { inner.verdict() }

    /// Writes a file, with the recipe inside if there is one: JPEG or WebP by its name's ending, else PNG. It appears whole or not at all.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/io``.
    public func save(to file: URL) throws {
        try ConesError.translated { try inner.save(path: file.path) }
    }
}

extension Recipe {
    /// The recipe inside a PNG, JPEG or WebP that Cones wrote.
    ///
    /// - Throws: ``ConesError``: ``ConesError/Kind/badPicture`` when there is none.
    public init(contentsOf file: URL) throws {
        self = try ConesError.translated { try readRecipe(path: file.path) }
    }

    /// The request that draws the same picture again. Its subjects must be installed by the same names.
    ///
    /// `nil` if a subject's scope or the scheduler is one that this version does not know, or if it was started from a
    /// picture or drawn from embeddings, which the recipe does not hold.
    public var request: Request? {
        guard `init` == nil, promptEmbedsSha256 == nil, imageSha256 == nil, let scheduler = Scheduler(name: scheduler) else { return nil }
        var choices: [SubjectChoice] = []
        for subject in subjects {
            guard let scope = Scope(name: subject.scope) else { return nil }
            choices.append(SubjectChoice(subject.name, strength: subject.strength, scope: scope))
        }
        return Request(
            typedPrompt,
            negativePrompt: typedNegativePrompt,
            subjects: choices,
            steps: Int(steps),
            guidance: guidance,
            scheduler: scheduler,
            seed: seed,
            width: Int(width),
            height: Int(height),
            promptWeights: promptWeights,
            variation: variation,
            hires: hires,
            clipSkip: Int(clipSkip),
            guidanceRescale: guidanceRescale == 0 ? nil : guidanceRescale,
            eta: eta,
            microConditions: microConditions
        )
    }
}

extension Scheduler {
    /// By the name that bundles and recipes give it.
    init?(name: String) {
        switch name {
        case "ddim": self = .ddim
        case "dpm++2m": self = .dpmSolver
        case "dpm++2m-karras": self = .dpmSolverKarras
        case "euler": self = .euler
        case "euler-a": self = .eulerAncestral
        case "lcm": self = .lcm
        case "tcd": self = .tcd
        default: return nil
        }
    }
}

extension Scope {
    /// By the name that recipes give it.
    init?(name: String) {
        switch name {
        case "prompt": self = .prompt
        case "trigger": self = .trigger
        default: return nil
        }
    }
}
