package dev.cones.sample

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.Path
import android.graphics.PorterDuff
import android.graphics.PorterDuffXfermode
import android.view.MotionEvent
import android.view.View

/** A photo that a finger paints on: what is painted is drawn anew. */
internal class MaskView(context: Context, private val onPainted: () -> Unit) : View(context) {
    /** Half of the brush's width, in pixels of the photo. */
    var radius = 1f
    var erases = false

    private var photo: Photo? = null
    private val drawn = Paint(Paint.FILTER_BITMAP_FLAG)
    private val brush = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        strokeCap = Paint.Cap.ROUND
        strokeJoin = Paint.Join.ROUND
        color = Color.rgb(255, 64, 64)
    }
    private val rubber = Paint(brush).apply { xfermode = PorterDuffXfermode(PorterDuff.Mode.CLEAR) }

    init {
        contentDescription = "The photo. Paint with a finger what is to be drawn anew."
    }

    fun show(photo: Photo?) {
        if (photo === this.photo) return
        this.photo = photo
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val photo = photo ?: return
        val fit = fit(photo.bitmap)
        canvas.translate(fit.left, fit.top)
        canvas.scale(fit.scale, fit.scale)
        canvas.drawBitmap(photo.bitmap, Matrix(), drawn)
        canvas.clipRect(0, 0, photo.bitmap.width, photo.bitmap.height)
        // A layer of its own: what is rubbed out shows the photo, and strokes that cross are no darker.
        val layer = canvas.saveLayerAlpha(0f, 0f, photo.bitmap.width.toFloat(), photo.bitmap.height.toFloat(), HALF)
        for (stroke in photo.mask.strokes) {
            val paint = if (stroke.erases) rubber else brush
            paint.strokeWidth = 2 * stroke.radius
            canvas.drawPath(path(stroke), paint)
        }
        canvas.restoreToCount(layer)
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        val photo = photo ?: return false
        val fit = fit(photo.bitmap)
        val spot = fit.spot(event.x, event.y)
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> {
                parent?.requestDisallowInterceptTouchEvent(true)
                photo.mask.begin(spot.x, spot.y, radius, erases)
            }
            MotionEvent.ACTION_MOVE -> {
                // Between two frames a finger was at several places.
                for (index in 0 until event.historySize) {
                    val past = fit.spot(event.getHistoricalX(index), event.getHistoricalY(index))
                    photo.mask.to(past.x, past.y)
                }
                photo.mask.to(spot.x, spot.y)
            }
            MotionEvent.ACTION_UP -> {
                photo.mask.end()
                performClick()
                onPainted()
            }
            MotionEvent.ACTION_CANCEL -> {
                // It was a gesture of the system's.
                photo.mask.undo()
                onPainted()
            }
        }
        invalidate()
        return true
    }

    override fun performClick(): Boolean = super.performClick()

    private fun fit(bitmap: Bitmap) = Fit(width, height, bitmap.width, bitmap.height)

    private fun path(stroke: Stroke) = Path().apply {
        val first = stroke.spots.first()
        moveTo(first.x, first.y)
        // A touch that does not move is a dot, which a line of no length with round ends is.
        if (stroke.spots.size == 1) lineTo(first.x, first.y)
        for (spot in stroke.spots.drop(1)) lineTo(spot.x, spot.y)
    }

    private companion object {
        const val HALF = 128
    }
}
