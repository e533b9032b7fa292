package dev.cones

/**
 * Everything that decided a picture's pixels.
 *
 * @property software what drew it, as `cones 0.1.0`.
 * @property bundle the base model's name.
 * @property fingerprint the base model's fingerprint.
 * @property prompt the prompt.
 * @property negativePrompt the negative prompt.
 * @property typedPrompt the prompt as a request takes it, to draw the picture again: `{NAME}` where a subject was named.
 * @property typedNegativePrompt the negative prompt as a request takes it.
 * @property steps denoising steps.
 * @property guidance guidance scale.
 * @property scheduler the scheduler's name, as `dpm++2m`.
 * @property seed this picture's own seed.
 * @property width pixels across.
 * @property height pixels down.
 * @property subjects the subjects that were on.
 * @property init the picture it started from.
 * @property parameters all of it as text, in the form that other image tools read.
 * @property promptWeights whether brackets in the prompts weighed words, and long prompts went in chunks.
 * @property variation another seed's noise that was mixed in.
 * @property hires the second pass of a large picture; width and height are those of the first.
 * @property safety what the safety classifier found, where the picture was blurred for it.
 * @property clipSkip layers of the text encoder that were left out.
 * @property guidanceRescale how far the guided prediction was brought back to the deviation of the prompt's own.
 * @property eta how much of the noise in each step was fresh, where the request said so.
 * @property microConditions what the base model was told of the picture's size, where the request said anything.
 * @property promptEmbedsSha256 SHA-256 of the embeddings that stood in the place of the prompts: then it is drawn again from them alone.
 * @property imageSha256 SHA-256 of the RGB bytes of the picture that was changed, where one was.
 * @property boxes where words of the prompt were drawn.
 */
public data class Recipe(
    val software: String,
    val bundle: String,
    val fingerprint: String,
    val prompt: String,
    val negativePrompt: String,
    val typedPrompt: String,
    val typedNegativePrompt: String,
    val steps: Int,
    val guidance: Float,
    val scheduler: String,
    val seed: ULong,
    val width: Int,
    val height: Int,
    val subjects: List<SubjectRecipe>,
    val init: InitRecipe?,
    val parameters: String,
    val promptWeights: Boolean,
    val variation: Variation? = null,
    val hires: Hires? = null,
    val safety: Verdict? = null,
    val clipSkip: Int = 0,
    val guidanceRescale: Float = 0f,
    val eta: Float? = null,
    val microConditions: MicroConditions? = null,
    val promptEmbedsSha256: String? = null,
    val imageSha256: String? = null,
    val boxes: List<WordBox> = emptyList(),
)

/**
 * A subject in a recipe.
 *
 * @property name its name.
 * @property trigger its trigger words.
 * @property scope `prompt` or `trigger`.
 * @property strength 0 to 1.
 * @property maskSha256 SHA-256 of its mask.
 * @property packSha256 SHA-256 of the pack's file, if it came from one.
 */
public data class SubjectRecipe(
    val name: String,
    val trigger: String,
    val scope: String,
    val strength: Float,
    val maskSha256: String,
    val packSha256: String?,
)

/**
 * The picture that a generation started from.
 *
 * @property strength 0 to 1.
 * @property rgbSha256 SHA-256 of its RGB bytes.
 * @property inpaint what of it was drawn anew, where not all of it was.
 */
public data class InitRecipe(val strength: Float, val rgbSha256: String, val inpaint: InpaintRecipe? = null)

/**
 * What of a picture was drawn anew; see [Inpaint].
 *
 * @property maskImageSha256 SHA-256 of the mask picture's RGB bytes, where there was one.
 * @property grow pixels that its white part grew.
 * @property feather pixels over which its edge was softened.
 * @property paddingMaskCrop pixels around it that were drawn with it; `null` where the whole picture was.
 * @property outpaint strips that were added around the picture.
 */
public data class InpaintRecipe(
    val maskImageSha256: String?,
    val grow: Int,
    val feather: Int,
    val paddingMaskCrop: Int?,
    val outpaint: Margins,
)

private fun dev.cones.generated.InpaintRecipe.wrapped() =
    InpaintRecipe(
        maskImageSha256 = maskImageSha256,
        grow = grow.toInt(),
        feather = feather.toInt(),
        paddingMaskCrop = paddingMaskCrop?.toInt(),
        outpaint = outpaint.let { Margins(it.left.toInt(), it.top.toInt(), it.right.toInt(), it.bottom.toInt()) },
    )

internal fun dev.cones.generated.Recipe.wrapped() =
    Recipe(
        software = software,
        bundle = bundle,
        fingerprint = fingerprint,
        prompt = prompt,
        negativePrompt = negativePrompt,
        typedPrompt = typedPrompt,
        typedNegativePrompt = typedNegativePrompt,
        steps = steps.toInt(),
        guidance = guidance,
        scheduler = scheduler,
        seed = seed,
        width = width.toInt(),
        height = height.toInt(),
        subjects =
            subjects.map {
                SubjectRecipe(it.name, it.trigger, it.scope, it.strength, it.maskSha256, it.packSha256)
            },
        init = init?.let { InitRecipe(it.strength, it.rgbSha256, it.inpaint?.wrapped()) },
        parameters = parameters,
        promptWeights = promptWeights,
        variation = variation?.wrapped(),
        hires = hires?.wrapped(),
        safety = safety?.wrapped(),
        clipSkip = clipSkip.toInt(),
        guidanceRescale = guidanceRescale,
        eta = eta,
        microConditions = microConditions?.wrapped(),
        promptEmbedsSha256 = promptEmbedsSha256,
        imageSha256 = imageSha256,
        boxes = boxes.map { it.wrapped() },
    )
