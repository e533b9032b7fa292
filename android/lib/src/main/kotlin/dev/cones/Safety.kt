package dev.cones

/**
 * What is done with pictures and previews that a classifier finds not safe: `BLUR` (beyond recognition), `REFUSE` (nobody gets the
 * pixels), `REPORT` (they are as they were drawn, with the verdict beside them) or `OFF` (no classifier is asked).
 */
public typealias SafetyPolicy = dev.cones.generated.SafetyPolicy

/** What was done with a picture: `PASSED` (it is safe), `REPORTED`, `BLURRED` or `REFUSED`. */
public typealias Treatment = dev.cones.generated.Treatment

/**
 * What a classifier found in a picture, and what was done with it.
 *
 * @property score the classifier's score, mostly 0 (safe) to 1.
 * @property threshold the score from which on a picture is not safe.
 * @property treatment what was done with the picture.
 */
public data class Verdict(val score: Float, val threshold: Float, val treatment: Treatment) {
    /** Whether the picture was found safe. */
    public val isSafe: Boolean get() = treatment == Treatment.PASSED
}

/**
 * A picture that was drawn and that nobody gets.
 *
 * @property picture which picture of the request, from 0.
 * @property seed its seed.
 * @property verdict what the classifier found.
 */
public data class RefusedPicture(val picture: Int, val seed: ULong, val verdict: Verdict)

internal fun dev.cones.generated.Verdict.wrapped() = Verdict(score, threshold, treatment)

internal fun dev.cones.generated.RefusedPicture.wrapped() = RefusedPicture(picture.toInt(), seed, verdict.wrapped())
