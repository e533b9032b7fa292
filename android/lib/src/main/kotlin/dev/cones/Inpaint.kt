package dev.cones

/**
 * The region of the init picture that is drawn anew (inpainting), and strips around it (outpainting). All else keeps its bytes.
 *
 * ```kotlin
 * InitPicture(photo, strength = 1f, inpaint = Inpaint(mask, feather = 4, paddingMaskCrop = 32))
 * ```
 *
 * @property maskImage of any size, stretched over the init picture: white is redrawn, black is kept, grey is blended. Paint it
 *   on opaque black: transparent parts of a picture count as white. May be missing where [outpaint] says what is drawn.
 * @property grow how many pixels of the init picture the white part grows to each side, up to 1024.
 * @property feather how soft its edge becomes: the radius of a blur in pixels of the init picture, up to 1024.
 * @property paddingMaskCrop draws only what is masked, with so many pixels around it, at the full size of the request, and
 *   pastes it back; what comes out has the init picture's size. 32 by custom. `null` draws the whole picture at the size of
 *   the request.
 * @property outpaint strips that are added around the init picture and drawn.
 */
public data class Inpaint(
    val maskImage: Picture? = null,
    val grow: Int = 0,
    val feather: Int = 0,
    val paddingMaskCrop: Int? = null,
    val outpaint: Margins? = null,
) {
    internal fun <T> native(use: (dev.cones.generated.Inpaint) -> T): T {
        val make = { mask: dev.cones.generated.Picture? ->
            use(
                dev.cones.generated.Inpaint(
                    maskImage = mask,
                    grow = grow.unsigned("grow"),
                    feather = feather.unsigned("feather"),
                    paddingMaskCrop = paddingMaskCrop?.unsigned("paddingMaskCrop"),
                    outpaint = outpaint?.native(),
                )
            )
        }
        return if (maskImage == null) make(null) else maskImage.native.call { make(it) }
    }
}

/**
 * Pixels that are added to each side of a picture.
 *
 * @property left on the left.
 * @property top above.
 * @property right on the right.
 * @property bottom below.
 */
public data class Margins(val left: Int = 0, val top: Int = 0, val right: Int = 0, val bottom: Int = 0) {
    internal fun native() =
        dev.cones.generated.Margins(
            left = left.unsigned("outpaint"),
            top = top.unsigned("outpaint"),
            right = right.unsigned("outpaint"),
            bottom = bottom.unsigned("outpaint"),
        )
}
