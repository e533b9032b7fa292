package dev.cones.sample

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.hypot
import kotlin.math.max
import kotlin.math.min
import kotlin.math.roundToInt

// No Android in here: a mask is numbers, and is tested as such.

/** A point of a picture, in its own pixels. */
internal data class Spot(val x: Float, val y: Float)

/** What one touch painted: a line as wide as the brush, in pixels of the picture. */
internal class Stroke(val radius: Float, val erases: Boolean, begin: Spot) {
    private val path = mutableListOf(begin)
    val spots: List<Spot> get() = path

    fun to(spot: Spot) {
        // A finger that rests tells its place again and again.
        if (spot != path.last()) path += spot
    }

    /** How much of the pixel at this place is painted, 0 to 1: whole inside, and a soft edge of one pixel. */
    fun coverage(x: Float, y: Float): Float = (radius + 0.5f - distance(x, y)).coerceIn(0f, 1f)

    /** Whether it may paint anything in this row. */
    fun reaches(y: Float): Boolean = spots.any { it.y > y - radius - 1 } && spots.any { it.y < y + radius + 1 }

    val left: Float get() = spots.minOf { it.x } - radius - 1
    val right: Float get() = spots.maxOf { it.x } + radius + 1

    private fun distance(x: Float, y: Float): Float =
        if (spots.size == 1) hypot(x - spots[0].x, y - spots[0].y) else spots.zipWithNext().minOf { (a, b) -> between(a, b, x, y) }

    /** From a point to a line between two others. */
    private fun between(a: Spot, b: Spot, x: Float, y: Float): Float {
        val (dx, dy) = b.x - a.x to b.y - a.y
        val along = (((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy)).coerceIn(0f, 1f)
        return hypot(x - a.x - along * dx, y - a.y - along * dy)
    }
}

/** What a finger painted over a picture: white where it is drawn anew. */
internal class Mask(val width: Int, val height: Int) {
    private val painted = mutableListOf<Stroke>()
    private var open: Stroke? = null

    val strokes: List<Stroke> get() = painted

    /** Whether nothing would be drawn anew. */
    val isEmpty: Boolean get() = painted.none { !it.erases }

    fun begin(x: Float, y: Float, radius: Float, erases: Boolean = false) {
        open = Stroke(max(radius, 0.5f), erases, Spot(x, y)).also { painted += it }
    }

    fun to(x: Float, y: Float) {
        open?.to(Spot(x, y))
    }

    fun end() {
        open = null
    }

    /** Takes the last stroke back; `false` if there is none. */
    fun undo(): Boolean {
        end()
        return painted.removeLastOrNull() != null
    }

    fun clear() {
        end()
        painted.clear()
    }

    /** One byte for each pixel, row by row: 255 is drawn anew, 0 is kept. Later strokes lie over earlier ones. */
    fun grey(): ByteArray {
        val grey = ByteArray(width * height)
        for (stroke in painted) paint(stroke, grey)
        return grey
    }

    /** The same as opaque RGBA, as a picture is made of. */
    fun rgba(): ByteArray {
        val grey = grey()
        return ByteArray(4 * grey.size) { if (it % 4 == 3) -1 else grey[it / 4] }
    }

    private fun paint(stroke: Stroke, grey: ByteArray) {
        val columns = max(floor(stroke.left).toInt(), 0)..min(ceil(stroke.right).toInt(), width - 1)
        for (y in 0 until height) {
            // The middle of a pixel.
            if (!stroke.reaches(y + 0.5f)) continue
            for (x in columns) {
                val share = (255 * stroke.coverage(x + 0.5f, y + 0.5f)).roundToInt()
                val at = y * width + x
                val before = grey[at].toInt() and 0xff
                grey[at] = (if (stroke.erases) min(before, 255 - share) else max(before, share)).toByte()
            }
        }
    }
}

/** A picture in the middle of a view, as large as fits: from places on the screen to pixels of the picture, and back. */
internal class Fit(viewWidth: Int, viewHeight: Int, pictureWidth: Int, pictureHeight: Int) {
    val scale: Float = min(viewWidth.toFloat() / max(pictureWidth, 1), viewHeight.toFloat() / max(pictureHeight, 1))
    val left: Float = (viewWidth - scale * pictureWidth) / 2
    val top: Float = (viewHeight - scale * pictureHeight) / 2

    fun spot(x: Float, y: Float): Spot = if (scale > 0) Spot((x - left) / scale, (y - top) / scale) else Spot(0f, 0f)
}
