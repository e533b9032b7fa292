package dev.cones

import java.io.File
import kotlinx.coroutines.Dispatchers

/**
 * A request saved by name: words around the prompts, and values where a request has none. A base model brings some as
 * [BundleInfo.presets].
 *
 * @property name what it is called by.
 * @property prompt the prompt, in which `{prompt}` stands for the request's own; without that it stands behind it and a comma, as in
 *   AUTOMATIC1111's web UI.
 * @property negativePrompt the negative prompt, likewise.
 * @property steps denoising steps.
 * @property guidance guidance scale.
 * @property guidanceRescale how far the guided prediction is brought back to the deviation of the prompt's own.
 * @property scheduler how noise becomes a picture.
 * @property eta how much of the noise in each step is fresh; passed over where the request has another scheduler.
 * @property width pixels across.
 * @property height pixels down.
 * @property promptWeights whether brackets in the prompts weigh words.
 * @property clipSkip layers of the text encoder that are left out.
 */
public data class Style(
    val name: String,
    val prompt: String = "",
    val negativePrompt: String = "",
    val steps: Int? = null,
    val guidance: Float? = null,
    val guidanceRescale: Float? = null,
    val scheduler: Scheduler? = null,
    val eta: Float? = null,
    val width: Int? = null,
    val height: Int? = null,
    val promptWeights: Boolean = false,
    val clipSkip: Int = 0,
) {
    internal fun native() =
        dev.cones.generated.Style(
            name = name,
            prompt = prompt,
            negativePrompt = negativePrompt,
            steps = steps?.unsigned("steps"),
            guidance = guidance,
            guidanceRescale = guidanceRescale,
            scheduler = scheduler,
            eta = eta,
            width = width?.unsigned("width"),
            height = height?.unsigned("height"),
            promptWeights = promptWeights,
            clipSkip = clipSkip.unsigned("clipSkip"),
        )

    public companion object {
        /**
         * The styles in a file: a list in JSON, or the `styles.csv` of AUTOMATIC1111's web UI.
         *
         * @throws ConesException.BadRequest if it is neither.
         */
        public suspend fun read(file: File): List<Style> =
            blocking(Dispatchers.IO, Stop()) { translated { dev.cones.generated.readStyles(file.path) }.map { it.wrapped() } }
    }
}

internal fun dev.cones.generated.Style.wrapped() =
    Style(
        name = name,
        prompt = prompt,
        negativePrompt = negativePrompt,
        steps = steps?.toInt(),
        guidance = guidance,
        guidanceRescale = guidanceRescale,
        scheduler = scheduler,
        eta = eta,
        width = width?.toInt(),
        height = height?.toInt(),
        promptWeights = promptWeights,
        clipSkip = clipSkip.toInt(),
    )
