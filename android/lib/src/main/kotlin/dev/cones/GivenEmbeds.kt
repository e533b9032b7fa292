package dev.cones

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Embeddings in the place of both prompts, as a phone's language model makes them. No text encoder of the base model runs then.
 *
 * @property prompt of what to draw.
 * @property negative of what to stay away from; needed where guidance is on.
 * @property words at which tokens of [prompt] the words of subjects stand, by their names: one of the scope `TRIGGER` changes those.
 */
public data class GivenEmbeds(
    val prompt: PromptEmbeds,
    val negative: PromptEmbeds? = null,
    val words: Map<String, List<Int>> = emptyMap(),
) {
    internal fun native() =
        dev.cones.generated.GivenEmbeds(
            prompt = prompt.native(),
            negative = negative?.native(),
            words =
                words.map { (subject, tokens) ->
                    dev.cones.generated.SubjectWords(subject, tokens.map { it.unsigned("words") })
                },
        )
}

/**
 * What a text encoder made of one prompt; diffusers' names.
 *
 * @property promptEmbeds tokens × width, row-major: [BundleInfo.textLength] tokens, or several times as many, of
 *   [BundleInfo.contextSize] numbers.
 * @property pooledPromptEmbeds the prompt as a whole, [BundleInfo.pooledSize] numbers; empty where that is 0.
 */
public class PromptEmbeds(
    public val promptEmbeds: FloatArray,
    public val pooledPromptEmbeds: FloatArray = FloatArray(0),
) {
    internal fun native() = dev.cones.generated.PromptEmbeds(promptEmbeds.bytes(), pooledPromptEmbeds.bytes())
}

private fun FloatArray.bytes(): ByteArray {
    val bytes = ByteBuffer.allocate(Float.SIZE_BYTES * size).order(ByteOrder.LITTLE_ENDIAN)
    bytes.asFloatBuffer().put(this)
    return bytes.array()
}
