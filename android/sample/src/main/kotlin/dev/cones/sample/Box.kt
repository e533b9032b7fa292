package dev.cones.sample

import dev.cones.WordBox
import kotlin.math.max
import kotlin.math.min

// No Android in here: a box is four numbers, and is tested as such.

/** A part of the picture where a subject is to be, in shares of its width and height. */
internal data class Box(val left: Float, val top: Float, val right: Float, val bottom: Float) {
    /** For a request, of the subject of this name. */
    fun of(subject: String) = WordBox("{$subject}", left, top, right, bottom)

    internal companion object {
        /** What is smaller was a touch. */
        private const val LEAST = 0.05f

        /** Between two corners, in pixels of a picture of this size, of which one may lie outside; `null` where it was but a touch. */
        fun between(one: Spot, other: Spot, width: Int, height: Int): Box? {
            val across = { x: Float -> (x / width).coerceIn(0f, 1f) }
            val down = { y: Float -> (y / height).coerceIn(0f, 1f) }
            val box = Box(
                left = across(min(one.x, other.x)),
                top = down(min(one.y, other.y)),
                right = across(max(one.x, other.x)),
                bottom = down(max(one.y, other.y)),
            )
            return box.takeIf { it.right - it.left >= LEAST && it.bottom - it.top >= LEAST }
        }
    }
}
