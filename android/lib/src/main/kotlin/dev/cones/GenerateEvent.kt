package dev.cones

import dev.cones.generated.GenerateProgress
import dev.cones.generated.Stage

/** What happens while pictures are drawn, in this order. Pictures of one request are drawn one after another. */
public sealed interface GenerateEvent {
    /** Everything but the end. */
    public sealed interface Progress : GenerateEvent {
        /** Which picture of the request, from 0. */
        public val picture: Int

        /** How many pictures the request asks for. */
        public val pictures: Int

        /** Steps done for this picture. */
        public val step: Int

        /** Steps it takes. */
        public val steps: Int
    }

    /** Graphs are being loaded and the prompt encoded. */
    public data class Preparing(
        override val picture: Int,
        override val pictures: Int,
        override val step: Int,
        override val steps: Int,
    ) : Progress

    /**
     * A denoising step has ended. [preview] comes with the steps that the request asks previews for, and [verdict] with it where a
     * safety classifier looks; a preview that was refused is not there.
     */
    public data class Step(
        override val picture: Int,
        override val pictures: Int,
        override val step: Int,
        override val steps: Int,
        val preview: Preview?,
        val verdict: Verdict? = null,
    ) : Progress

    /** The steps are done and the picture is being decoded. */
    public data class Decoding(
        override val picture: Int,
        override val pictures: Int,
        override val step: Int,
        override val steps: Int,
    ) : Progress

    /** The picture is finished, and came with [Drawn], unless it was refused as not safe: then it is in [Generated.refused]. */
    public data class Decoded(
        override val picture: Int,
        override val pictures: Int,
        override val step: Int,
        override val steps: Int,
    ) : Progress

    /**
     * A picture, as soon as it is drawn: before [Decoded]. It is the app's from now on; [Picture.close] it once it is saved, and of many
     * pictures no more than one is in memory.
     *
     * @property index which picture of the request, from 0.
     */
    public data class Drawn(val index: Int, val drawn: Picture) : GenerateEvent

    /** All pictures are drawn. [generated] holds warnings and timings; the pictures came with [Drawn]. */
    public data class Finished(val generated: Generated) : GenerateEvent
}

/**
 * A rough picture of what is coming: one pixel for [BundleInfo.previewScale] pixels along a side.
 *
 * @property width pixels across.
 * @property height pixels down.
 * @property rgba `4 * width * height` bytes, row by row from the top left, every alpha 255.
 */
public class Preview internal constructor(public val width: Int, public val height: Int, public val rgba: ByteArray) {
    override fun equals(other: Any?): Boolean =
        other is Preview && width == other.width && height == other.height && rgba.contentEquals(other.rgba)

    override fun hashCode(): Int = rgba.contentHashCode()

    override fun toString(): String = "Preview($width x $height)"
}

internal fun GenerateProgress.event(): GenerateEvent.Progress {
    val (which, all) = picture.toInt() to pictures.toInt()
    val (done, toDo) = step.toInt() to steps.toInt()
    return when (stage) {
        Stage.PREPARING -> GenerateEvent.Preparing(which, all, done, toDo)
        Stage.DENOISING -> GenerateEvent.Step(which, all, done, toDo, preview?.wrapped(), verdict?.wrapped())
        Stage.DECODING -> GenerateEvent.Decoding(which, all, done, toDo)
        Stage.FINISHED -> GenerateEvent.Decoded(which, all, done, toDo)
    }
}

internal fun dev.cones.generated.Preview.wrapped() = Preview(width.toInt(), height.toInt(), rgba)
