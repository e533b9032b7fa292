package dev.cones

/**
 * Another seed, and how much of its noise is mixed in: pictures a little like one that is there.
 *
 * @property seed the other seed. Of several pictures all have one seed, and each has the next variation seed.
 * @property strength 0 (the picture as it is) to 1 (the other seed's picture).
 */
public data class Variation(val seed: ULong, val strength: Float) {
    internal fun native() = dev.cones.generated.Variation(seed, strength)
}

/**
 * The second pass of a large picture: it is enlarged and drawn on from there, so that nothing is drawn twice as in large pictures of one
 * pass.
 *
 * @property scale how many times as wide and as high, above 1, at most 8.
 * @property strength how much of the enlarged picture is drawn anew, 0 to 1.
 * @property steps denoising steps of the second pass before [strength] cuts them; those of the request by default.
 */
public data class Hires(val scale: Float = 2f, val strength: Float = 0.7f, val steps: Int? = null) {
    internal fun native() = dev.cones.generated.Hires(scale, strength, steps?.unsigned("hires"))
}

internal fun dev.cones.generated.Variation.wrapped() = Variation(seed, strength)

internal fun dev.cones.generated.Hires.wrapped() = Hires(scale, strength, steps?.toInt())
