package dev.cones

import java.io.File

/**
 * What a base model says of itself.
 *
 * @property name short name, as `toybox`.
 * @property licence licence of the weights.
 * @property form how many bits it has: `exact`, `int8`, `int8-static` or `int4`.
 * @property path the folder.
 * @property fingerprint what packs are bound to, 64 hex digits.
 * @property bytes all its files together.
 * @property width pixels across where a request is silent.
 * @property height pixels down where a request is silent.
 * @property sizeMultiple width and height of a request must be multiples of this.
 * @property steps steps where a request is silent.
 * @property mostSteps the most steps a request may ask for.
 * @property guidance guidance where a request is silent.
 * @property scheduler scheduler where a request is silent, by its name.
 * @property promptTokens tokens of a prompt that are looked at.
 * @property previewScale pixels of the picture along one side of a preview's pixel; `null` if there are no previews.
 * @property safety the name of the safety classifier that it brings, if it brings one.
 * @property mostClipSkip the most layers of the text encoder that a request may leave out.
 * @property presets other ways to ask it that suit it, by name; each may be [Request.style].
 * @property takesMicroConditions whether it is told of the picture's size: Stable Diffusion XL and its kind, of two text encoders, and DreamLite.
 * @property takesImage whether it changes pictures too ([Request.image]).
 * @property readsPrompts whether it reads prompts; else a request must bring embeddings ([Request.promptEmbeds]), of 1 to [textLength] tokens.
 * @property textLength tokens of embeddings that stand in the place of a prompt ([Request.promptEmbeds]); a multiple of it does as well.
 * @property contextSize numbers of each of these tokens.
 * @property pooledSize numbers of a prompt's pooled embedding; 0 for base models of one text encoder, which take none.
 */
public data class BundleInfo(
    val name: String,
    val licence: String,
    val form: String,
    val path: File,
    val fingerprint: String,
    val bytes: Long,
    val width: Int,
    val height: Int,
    val sizeMultiple: Int,
    val steps: Int,
    val mostSteps: Int,
    val guidance: Float,
    val scheduler: String,
    val promptTokens: Int,
    val previewScale: Int?,
    val safety: String? = null,
    val mostClipSkip: Int = 0,
    val presets: List<Style> = emptyList(),
    val takesMicroConditions: Boolean = false,
    val textLength: Int = 0,
    val contextSize: Int = 0,
    val pooledSize: Int = 0,
    val readsPrompts: Boolean = true,
    val takesImage: Boolean = false,
)

internal fun dev.cones.generated.BundleInfo.wrapped() =
    BundleInfo(
        name = name,
        licence = licence,
        form = form,
        path = File(path),
        fingerprint = fingerprint,
        bytes = bytes.toLong(),
        width = width.toInt(),
        height = height.toInt(),
        sizeMultiple = sizeMultiple.toInt(),
        steps = steps.toInt(),
        mostSteps = mostSteps.toInt(),
        guidance = guidance,
        scheduler = scheduler,
        promptTokens = promptTokens.toInt(),
        previewScale = previewScale?.toInt(),
        safety = safety,
        mostClipSkip = mostClipSkip.toInt(),
        presets = presets.map { it.wrapped() },
        takesMicroConditions = takesMicroConditions,
        textLength = textLength.toInt(),
        contextSize = contextSize.toInt(),
        pooledSize = pooledSize.toInt(),
        readsPrompts = readsPrompts,
        takesImage = takesImage,
    )
