package dev.cones.android

import android.graphics.Bitmap
import android.graphics.Color
import dev.cones.Picture
import dev.cones.Preview

/** The picture for an `ImageView`. Takes 4 bytes for each pixel, beside the picture's own. */
public fun Picture.toBitmap(): Bitmap = bitmap(width, height, rgba())

/** The preview for an `ImageView`; small, so let the view scale it up. */
public fun Preview.toBitmap(): Bitmap = bitmap(width, height, rgba)

/** A picture to start from. Transparent parts become white. Hardware bitmaps must be copied to another config first. */
public fun Bitmap.toPicture(): Picture {
    val pixels = IntArray(width * height)
    // Not the bitmap's own bytes: those have alpha multiplied in.
    getPixels(pixels, 0, width, 0, 0, width, height)
    val rgba = ByteArray(4 * pixels.size)
    for ((index, pixel) in pixels.withIndex()) {
        rgba[4 * index] = Color.red(pixel).toByte()
        rgba[4 * index + 1] = Color.green(pixel).toByte()
        rgba[4 * index + 2] = Color.blue(pixel).toByte()
        rgba[4 * index + 3] = Color.alpha(pixel).toByte()
    }
    return Picture.fromRgba(width, height, rgba)
}

/**
 * By colours and not by copying the bytes: on every phone they lie in memory as red, green, blue, alpha, but Android promises it
 * nowhere, and on a desk (Robolectric) they do not.
 */
private fun bitmap(width: Int, height: Int, rgba: ByteArray): Bitmap {
    val colours = IntArray(width * height) { index ->
        val at = 4 * index
        Color.argb(rgba[at + 3].unsigned(), rgba[at].unsigned(), rgba[at + 1].unsigned(), rgba[at + 2].unsigned())
    }
    return Bitmap.createBitmap(colours, width, height, Bitmap.Config.ARGB_8888)
}

private fun Byte.unsigned(): Int = toInt() and 0xff
