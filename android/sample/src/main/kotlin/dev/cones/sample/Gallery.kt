package dev.cones.sample

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import dev.cones.Picture
import dev.cones.Recipe
import java.io.File
import java.io.IOException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** The pictures that were kept: PNG files, each with its recipe inside. */
internal class Gallery(private val folder: File) {
    /** A picture as the grid shows it. */
    class Entry(val file: File, val thumbnail: Bitmap)

    suspend fun keep(picture: Picture): File {
        val file = withContext(Dispatchers.IO) {
            if (!folder.isDirectory && !folder.mkdirs()) throw IOException("cannot create $folder")
            // The time names it; two in one millisecond are told apart.
            val now = System.currentTimeMillis()
            generateSequence(0) { it + 1 }.map { File(folder, "$now-$it.png") }.first { !it.exists() }
        }
        picture.save(file)
        return file
    }

    /** The newest first. */
    suspend fun list(): List<Entry> = withContext(Dispatchers.IO) {
        val files = folder.listFiles { file -> file.extension == "png" }.orEmpty().sortedByDescending { it.name }
        files.mapNotNull { file -> thumbnail(file)?.let { Entry(file, it) } }
    }

    suspend fun recipe(file: File): Recipe = Picture.readRecipe(file)

    suspend fun remove(file: File): Boolean = withContext(Dispatchers.IO) { file.delete() }

    /** Read at a fraction of its size: a screen of full pictures would not fit into memory. */
    private fun thumbnail(file: File): Bitmap? {
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeFile(file.path, options)
        options.inJustDecodeBounds = false
        options.inSampleSize = (options.outWidth / THUMBNAIL).coerceAtLeast(1)
        return BitmapFactory.decodeFile(file.path, options)
    }

    private companion object {
        const val THUMBNAIL = 256
    }
}
