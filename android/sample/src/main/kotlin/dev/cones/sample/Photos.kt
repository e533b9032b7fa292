package dev.cones.sample

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ImageDecoder
import android.net.Uri
import android.os.Build
import java.io.IOException
import kotlin.math.max
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** Of a camera's picture no more is taken than a screen shows. */
private const val LARGEST = 1024

/** A photo that the person chose, upright, and no larger than a screen shows. */
internal suspend fun Context.photo(uri: Uri): Bitmap = withContext(Dispatchers.IO) {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
        // It turns the picture as its camera was held.
        ImageDecoder.decodeBitmap(ImageDecoder.createSource(contentResolver, uri)) { decoder, info, _ ->
            val larger = max(info.size.width, info.size.height)
            if (larger > LARGEST) decoder.setTargetSampleSize((larger + LARGEST - 1) / LARGEST)
            // Pixels are read.
            decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
        }
    } else {
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        read(uri, options)
        options.inJustDecodeBounds = false
        options.inSampleSize = (max(options.outWidth, options.outHeight) + LARGEST - 1) / LARGEST
        read(uri, options) ?: throw IOException("this is no picture that Android reads")
    }
}

private fun Context.read(uri: Uri, options: BitmapFactory.Options): Bitmap? =
    contentResolver.openInputStream(uri).use { BitmapFactory.decodeStream(it, null, options) }
