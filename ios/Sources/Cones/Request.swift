import ConesGenerated

/// What is asked for. Only the prompt is required; what is `nil` comes from the base model.
///
/// Numbers outside their range are refused with ``ConesError/Kind/badRequest``, which names the field.
public struct Request: Sendable {
    /// What to draw. `{NAME}` stands for the trigger of the subject of that name, `{{` and `}}` for braces.
    /// Subjects of one trigger are told apart by that; a prompt with the bare words of such a trigger is refused.
    public var prompt: String
    /// What to stay away from, written like the prompt.
    public var negativePrompt: String
    /// Installed packs to switch on.
    public var subjects: [SubjectChoice]
    /// Denoising steps.
    public var steps: Int?
    /// Classifier-free guidance scale. 1 or less switches guidance off and takes half the time.
    public var guidance: Float?
    /// How noise becomes a picture.
    public var scheduler: Scheduler?
    /// Seed of the first picture; each further one adds 1.
    public var seed: UInt64
    /// How many pictures, up to 1000.
    public var count: Int
    /// Pixels across, a multiple of `BundleInfo.sizeMultiple`.
    public var width: Int?
    /// Pixels down, a multiple of `BundleInfo.sizeMultiple`.
    public var height: Int?
    /// A picture to start from (img2img).
    public var start: StartPicture?
    /// A preview comes with every so many steps; 0 for none. It costs far below a thousandth of a step.
    public var previewEvery: Int
    /// Brackets in both prompts weigh words, as in AUTOMATIC1111's web UI: `(word)` 1.1 times, `[word]` by as much
    /// less, `(word:1.3)` 1.3 times; `\(` is a bracket. Long prompts go in chunks, and `BREAK` begins another one. Without it brackets are text,
    /// and what is too long is cut.
    public var promptWeights: Bool
    /// Mixes another seed's noise in: pictures a little like that of `seed`.
    public var variation: Variation?
    /// Draws the picture larger in a second pass.
    public var hires: Hires?
    /// The last layers of the text encoder that are left out (diffusers' `clip_skip`; one less than "Clip skip" of
    /// AUTOMATIC1111's web UI), up to `BundleInfo.mostClipSkip`.
    public var clipSkip: Int
    /// How far the guided prediction is brought back to the deviation of the prompt's own, 0 (as where it is `nil`) to 1:
    /// against pictures that guidance makes too bright or too dark. diffusers' `guidance_rescale`, 0.7 by custom.
    public var guidanceRescale: Float?
    /// How much of the noise in each step is fresh, 0 to 1, with `.ddim` (0 where it is `nil`) and `.tcd` (0.3);
    /// diffusers' `eta`. Other schedulers refuse it.
    public var eta: Float?
    /// Words around both prompts, and values where this request has none: one of `BundleInfo.presets`, or of the app's own.
    public var style: Style?
    /// What Stable Diffusion XL and its kind are told of the picture's size (`BundleInfo.takesMicroConditions`); other base
    /// models refuse it.
    public var microConditions: MicroConditions?
    /// Embeddings in the place of both prompts, which then are words for people alone: they stand in the recipe.
    public var promptEmbeds: GivenEmbeds?
    /// The picture that is to be changed as the prompt says, with a base model that takes one (`BundleInfo.takesImage`);
    /// others refuse it. Scaled to the size of the request if it has another.
    public var image: Picture?
    /// Where words of the prompt are drawn, 32 at most; not on Core ML, whose U-Net is of another form.
    public var boxes: [WordBox]

    /// A request for what is given.
    public init(
        _ prompt: String,
        negativePrompt: String = "",
        subjects: [SubjectChoice] = [],
        steps: Int? = nil,
        guidance: Float? = nil,
        scheduler: Scheduler? = nil,
        seed: UInt64 = 0,
        count: Int = 1,
        width: Int? = nil,
        height: Int? = nil,
        start: StartPicture? = nil,
        previewEvery: Int = 0,
        promptWeights: Bool = false,
        variation: Variation? = nil,
        hires: Hires? = nil,
        clipSkip: Int = 0,
        guidanceRescale: Float? = nil,
        eta: Float? = nil,
        style: Style? = nil,
        microConditions: MicroConditions? = nil,
        promptEmbeds: GivenEmbeds? = nil,
        image: Picture? = nil,
        boxes: [WordBox] = []
    ) {
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.subjects = subjects
        self.steps = steps
        self.guidance = guidance
        self.scheduler = scheduler
        self.seed = seed
        self.count = count
        self.width = width
        self.height = height
        self.start = start
        self.previewEvery = previewEvery
        self.promptWeights = promptWeights
        self.variation = variation
        self.hires = hires
        self.clipSkip = clipSkip
        self.guidanceRescale = guidanceRescale
        self.eta = eta
        self.style = style
        self.microConditions = microConditions
        self.promptEmbeds = promptEmbeds
        self.image = image
        self.boxes = boxes
    }
}

/// An installed pack, switched on.
public struct SubjectChoice: Sendable, Hashable {
    /// The name it is installed by.
    public var name: String
    /// 0 (off) to 1 (as the pack means it).
    public var strength: Float
    /// Which rows of keys and values it changes; `nil` for what the pack says.
    public var scope: Scope?

    /// A pack by its name.
    public init(_ name: String, strength: Float = 1, scope: Scope? = nil) {
        self.name = name
        self.strength = strength
        self.scope = scope
    }
}

/// The picture to start from (img2img).
public struct StartPicture: Sendable {
    /// Scaled to the size of the request if it has another.
    public var picture: Picture
    /// How much of it is redrawn, 0 to 1. With `inpaint` 1 by custom.
    public var strength: Float
    /// Draws a region of it anew, or strips around it; all else keeps its bytes.
    public var inpaint: InpaintRegion?

    /// A picture, redrawn as far as `strength` says, or in the region alone that `inpaint` names.
    public init(_ picture: Picture, strength: Float = 0.8, inpaint: InpaintRegion? = nil) {
        self.picture = picture
        self.strength = strength
        self.inpaint = inpaint
    }
}

extension Request {
    /// Clamped, for a conversion that fails ends the app: what is outside stays outside, and the library says so.
    var generated: ConesGenerated.Request {
        ConesGenerated.Request(
            prompt: prompt,
            negativePrompt: negativePrompt,
            subjects: subjects.map {
                ConesGenerated.SubjectChoice(name: $0.name, strength: $0.strength, scope: $0.scope)
            },
            steps: steps.map { UInt32(clamping: $0) },
            guidance: guidance,
            scheduler: scheduler,
            seed: seed,
            count: UInt32(clamping: count),
            width: width.map { UInt32(clamping: $0) },
            height: height.map { UInt32(clamping: $0) },
            init: start.map {
                InitPicture(picture: $0.picture.inner, strength: $0.strength, inpaint: $0.inpaint?.generated)
            },
            previewEvery: UInt32(clamping: previewEvery),
            promptWeights: promptWeights,
            variation: variation,
            hires: hires,
            clipSkip: UInt32(clamping: clipSkip),
            guidanceRescale: guidanceRescale,
            eta: eta,
            style: style,
            microConditions: microConditions,
            promptEmbeds: promptEmbeds,
            image: image?.inner,
            boxes: boxes
        )
    }
}
