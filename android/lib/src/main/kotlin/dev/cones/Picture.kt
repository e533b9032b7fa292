package dev.cones

import java.io.File
import kotlinx.coroutines.Dispatchers
import dev.cones.generated.Picture as Native

/**
 * A picture. Its pixels stay in native memory until they are asked for; [close] it, or leave it to the garbage collector.
 *
 * ```kotlin
 * val picture = engine.generate(Request("a dog on grass")).pictures.first()
 * picture.save(File("dog.png"))       // with its recipe inside
 * println(picture.recipe?.parameters) // how it was drawn
 * ```
 */
public class Picture internal constructor(internal val native: Handle<Native>) : AutoCloseable {
    /** Pixels across. */
    public val width: Int get() = native.call { it.width().toInt() }

    /** Pixels down. */
    public val height: Int get() = native.call { it.height().toInt() }

    /** How it was drawn; `null` for a picture that was not drawn by Cones. */
    public val recipe: Recipe? get() = native.call { it.recipe()?.wrapped() }

    /** What the safety classifier found in it; `null` where none was asked, and for pictures that were opened. */
    public val verdict: Verdict? get() = native.call { it.verdict()?.wrapped() }

    /** A copy of the pixels: `4 * width * height` bytes, row by row from the top left, every alpha 255. */
    public fun rgba(): ByteArray = native.call { it.rgba() }

    /** Writes a file, with the recipe inside if there is one: JPEG or WebP by its name's ending, else PNG. It appears whole or not at all. */
    public suspend fun save(file: File): Unit =
        blocking(Dispatchers.IO, Stop()) { native.call { it.save(file.path) } }

    /** Frees the pixels. A later call gets [ConesException.Closed]. */
    override fun close(): Unit = native.close()

    public companion object {
        /** Reads a PNG, JPEG or WebP file; transparent parts become white. A recipe inside is read too. */
        public suspend fun open(file: File): Picture =
            blocking(Dispatchers.IO, Stop(), Picture::close) { translated { Native.open(file.path) }.wrapped() }

        /** From RGBA bytes, row by row from the top left, alpha not multiplied in; transparent parts become white. */
        public fun fromRgba(width: Int, height: Int, rgba: ByteArray): Picture {
            // The library reads the bytes where they are, which only a direct buffer allows.
            val direct = java.nio.ByteBuffer.allocateDirect(rgba.size).put(rgba)
            direct.flip()
            return translated { Native.fromRgba(width.unsigned("width"), height.unsigned("height"), direct) }.wrapped()
        }

        /** The recipe inside a PNG, JPEG or WebP that Cones wrote. Reads no pixels. */
        public suspend fun readRecipe(file: File): Recipe =
            blocking(Dispatchers.IO, Stop()) { translated { dev.cones.generated.readRecipe(file.path) }.wrapped() }
    }
}

internal fun Native.wrapped() = Picture(Handle(this, "the picture"))
