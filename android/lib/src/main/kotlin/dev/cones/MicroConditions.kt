package dev.cones

/**
 * Width and height in pixels.
 *
 * @property width pixels across.
 * @property height pixels down.
 */
public data class ImageSize(val width: Int, val height: Int) {
    internal fun native(field: String) =
        dev.cones.generated.ImageSize(width.unsigned(field), height.unsigned(field))
}

/**
 * What Stable Diffusion XL and its kind are told of a picture's size; what is left out is the size that is drawn. diffusers'
 * `original_size`, `crops_coords_top_left` and `target_size`.
 *
 * @property originalSize the size that the picture is to look as if it had been before it was made smaller or larger: small ones look
 *   blurred.
 * @property cropTop pixels that are to look cut off above.
 * @property cropLeft pixels that are to look cut off on the left.
 * @property targetSize the size that the picture is to look as if it had.
 */
public data class MicroConditions(
    val originalSize: ImageSize? = null,
    val cropTop: Int = 0,
    val cropLeft: Int = 0,
    val targetSize: ImageSize? = null,
) {
    internal fun native() =
        dev.cones.generated.MicroConditions(
            originalSize = originalSize?.native("originalSize"),
            cropTop = cropTop.unsigned("cropTop"),
            cropLeft = cropLeft.unsigned("cropLeft"),
            targetSize = targetSize?.native("targetSize"),
        )
}

private fun dev.cones.generated.ImageSize.wrapped() = ImageSize(width.toInt(), height.toInt())

internal fun dev.cones.generated.MicroConditions.wrapped() =
    MicroConditions(originalSize?.wrapped(), cropTop.toInt(), cropLeft.toInt(), targetSize?.wrapped())
