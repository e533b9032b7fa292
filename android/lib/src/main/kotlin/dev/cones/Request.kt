package dev.cones

/**
 * A request for pictures. Only the prompt is required; what is left out comes from the base model.
 *
 * ```kotlin
 * Request("a {rex} on grass", subjects = listOf(SubjectChoice("rex", strength = 0.9f)), seed = 7u, previewEvery = 2)
 * ```
 *
 * @property prompt what to draw. `{NAME}` stands for the trigger of the subject of that name, `{{` and `}}` for braces.
 *   Subjects of one trigger are told apart by that; a prompt with the bare words of such a trigger is refused.
 * @property negativePrompt what to stay away from, written like the prompt.
 * @property subjects installed packs to switch on.
 * @property steps denoising steps.
 * @property guidance classifier-free guidance scale; 1 or less switches it off and takes half the time.
 * @property scheduler how noise becomes a picture.
 * @property seed of the first picture; each further one adds 1.
 * @property count how many pictures, up to 1000.
 * @property width pixels across.
 * @property height pixels down.
 * @property init a picture to start from.
 * @property previewEvery a preview comes with every so many steps; 0 for none. It costs far below a thousandth of a step.
 * @property promptWeights brackets in both prompts weigh words, as in AUTOMATIC1111's web UI: `(word)` 1.1 times, `[word]`
 *   by as much less, `(word:1.3)` 1.3 times; `\(` is a bracket. Long prompts go in chunks, and `BREAK` begins another one. Without it
 *   brackets are text, and what is too long is cut.
 * @property variation mixes another seed's noise in: pictures a little like that of [seed].
 * @property hires draws the picture larger in a second pass.
 * @property clipSkip the last layers of the text encoder that are left out (diffusers' `clip_skip`; one less than "Clip skip" of
 *   AUTOMATIC1111's web UI), up to [BundleInfo.mostClipSkip].
 * @property guidanceRescale how far the guided prediction is brought back to the deviation of the prompt's own, 0 (as where it is
 *   `null`) to 1: against pictures that guidance makes too bright or too dark. diffusers' `guidance_rescale`, 0.7 by custom.
 * @property eta how much of the noise in each step is fresh, 0 to 1, with `DDIM` (0 where it is `null`) and `TCD` (0.3); diffusers'
 *   `eta`. Other schedulers refuse it.
 * @property style words around both prompts, and values where this request has none; one of [BundleInfo.presets], or of the app's own.
 * @property microConditions what Stable Diffusion XL and its kind are told of the picture's size ([BundleInfo.takesMicroConditions]);
 *   other base models refuse it.
 * @property promptEmbeds embeddings in the place of both prompts, which then are words for people alone: they stand in the recipe.
 * @property image the picture that is to be changed as the prompt says, with a base model that takes one ([BundleInfo.takesImage]);
 *   others refuse it. Scaled to the size of the request if it has another.
 * @property boxes where words of the prompt are drawn, 32 at most; not on the Neural Networks API, whose U-Net is of another form.
 */
public data class Request(
    val prompt: String,
    val negativePrompt: String = "",
    val subjects: List<SubjectChoice> = emptyList(),
    val steps: Int? = null,
    val guidance: Float? = null,
    val scheduler: Scheduler? = null,
    val seed: ULong = 0u,
    val count: Int = 1,
    val width: Int? = null,
    val height: Int? = null,
    val init: InitPicture? = null,
    val previewEvery: Int = 0,
    val promptWeights: Boolean = false,
    val variation: Variation? = null,
    val hires: Hires? = null,
    val clipSkip: Int = 0,
    val guidanceRescale: Float? = null,
    val eta: Float? = null,
    val style: Style? = null,
    val microConditions: MicroConditions? = null,
    val promptEmbeds: GivenEmbeds? = null,
    val image: Picture? = null,
    val boxes: List<WordBox> = emptyList(),
) {
    internal fun native(): dev.cones.generated.Request {
        val make = { start: dev.cones.generated.InitPicture?, changed: dev.cones.generated.Picture? ->
            dev.cones.generated.Request(
                prompt = prompt,
                negativePrompt = negativePrompt,
                subjects = subjects.map { it.native() },
                steps = steps?.unsigned("steps"),
                guidance = guidance,
                scheduler = scheduler,
                seed = seed,
                count = count.unsigned("count"),
                width = width?.unsigned("width"),
                height = height?.unsigned("height"),
                init = start,
                previewEvery = previewEvery.unsigned("previewEvery"),
                promptWeights = promptWeights,
                variation = variation?.native(),
                hires = hires?.native(),
                clipSkip = clipSkip.unsigned("clipSkip"),
                guidanceRescale = guidanceRescale,
                eta = eta,
                style = style?.native(),
                microConditions = microConditions?.native(),
                promptEmbeds = promptEmbeds?.native(),
                image = changed,
                boxes = boxes.map { it.native() },
            )
        }
        val started = { changed: dev.cones.generated.Picture? ->
            if (init == null) make(null, changed) else init.native { make(it, changed) }
        }
        return if (image == null) started(null) else image.native.call { started(it) }
    }
}

/**
 * An installed pack, switched on.
 *
 * @property name the name it is installed by.
 * @property strength 0 (off) to 1 (as the pack means it).
 * @property scope what it changes; by default what the pack says.
 */
public data class SubjectChoice(val name: String, val strength: Float = 1f, val scope: Scope? = null) {
    internal fun native() = dev.cones.generated.SubjectChoice(name, strength, scope)
}

/**
 * The picture to start from (img2img).
 *
 * @property picture scaled to the size of the request if it has another.
 * @property strength how much of it is redrawn, 0 to 1. With [inpaint] 1 by custom.
 * @property inpaint draws a region of it anew, or strips around it; all else keeps its bytes.
 */
public data class InitPicture(val picture: Picture, val strength: Float = 0.8f, val inpaint: Inpaint? = null) {
    internal fun <T> native(use: (dev.cones.generated.InitPicture) -> T): T =
        picture.native.call { own ->
            val whole = { region: dev.cones.generated.Inpaint? -> use(dev.cones.generated.InitPicture(own, strength, region)) }
            if (inpaint == null) whole(null) else inpaint.native(whole)
        }
}

/** The library counts without a sign; a negative number would arrive there as a huge one. */
internal fun Long.unsigned(field: String): ULong {
    if (this >= 0) return toULong()
    throw ConesException.BadRequest("is negative: $this", field, "give another value", null)
}

internal fun Int.unsigned(field: String): UInt {
    if (this >= 0) return toUInt()
    throw ConesException.BadRequest("is negative: $this", field, "give another value", null)
}
