package dev.cones.sample

import dev.cones.InitPicture
import dev.cones.Inpaint
import dev.cones.Picture
import dev.cones.Request
import dev.cones.SubjectChoice

// No Android in here: what the screen asks for, as a value.

/** What stands in the fields of the screen. */
internal data class Asked(
    val prompt: String,
    /** Subjects that are on, each with how strongly, 0 to 1. */
    val subjects: Map<String, Float> = emptyMap(),
    val seed: ULong = 0u,
    val steps: Int? = null,
    /** How much of the photo is drawn anew, 0 to 1. */
    val strength: Float = 0.6f,
    /** Where subjects are to be, by name; of those that are on. */
    val boxes: Map<String, Box> = emptyMap(),
) {
    /** From noise alone. */
    fun request(): Request =
        Request(
            prompt,
            subjects = subjects.map { (name, strength) -> SubjectChoice(name, strength) },
            seed = seed,
            steps = steps,
            previewEvery = 1,
            boxes = boxes.filterKeys { it in subjects }.map { (name, box) -> box.of(name) },
        )

    /** From a photo: all of it, or what a mask is white in. A picture of the mask has the photo's size. */
    fun request(photo: Picture, mask: Picture?): Request {
        // What is painted over is drawn with a little of what is around it, and pasted back without a seam: the soft edge lies
        // outside of what was painted, or a thin line would vanish in it.
        val inpaint = mask?.let { Inpaint(it, grow = FEATHER, feather = FEATHER, paddingMaskCrop = PADDING) }
        return request().copy(init = InitPicture(photo, strength, inpaint))
    }

    private companion object {
        const val FEATHER = 4
        const val PADDING = 32
    }
}
