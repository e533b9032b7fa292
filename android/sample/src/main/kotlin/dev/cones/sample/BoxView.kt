package dev.cones.sample

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.RectF
import android.view.MotionEvent
import android.view.View

/** The picture, on which a finger draws where a subject is to be. */
internal class BoxView(context: Context, private val onBox: (String, Box?) -> Unit) : View(context) {
    /** The subject that a finger gives a box to; `null` where it draws nothing. */
    var placing: String? = null

    private var bitmap: Bitmap? = null
    private var boxes = emptyMap<String, Box>()
    private var begin: Spot? = null
    private val drawn = Paint()
    private val line = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        color = Color.rgb(255, 64, 64)
        strokeWidth = context.dp(2).toFloat()
    }
    private val frame = Paint(line).apply { color = Color.LTGRAY }
    private val words = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = line.color
        textSize = context.dp(14).toFloat()
    }

    init {
        contentDescription = "The picture. Draw with a finger where a subject is to be."
    }

    fun show(bitmap: Bitmap?) {
        if (bitmap === this.bitmap) return
        this.bitmap = bitmap
        invalidate()
    }

    fun show(boxes: Map<String, Box>) {
        this.boxes = boxes
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val (width, height) = size()
        val fit = fit()
        val whole = RectF(fit.left, fit.top, fit.left + fit.scale * width, fit.top + fit.scale * height)
        // Previews and Toybox's pictures are small: pixels with sharp edges are more honest than a blur.
        drawn.isFilterBitmap = width >= 256
        bitmap?.let { canvas.drawBitmap(it, null, whole, drawn) } ?: canvas.drawRect(whole, frame)
        for ((name, box) in boxes) {
            val (left, top) = whole.left + box.left * whole.width() to whole.top + box.top * whole.height()
            canvas.drawRect(left, top, whole.left + box.right * whole.width(), whole.top + box.bottom * whole.height(), line)
            canvas.drawText(name, left + line.strokeWidth * 2, top + words.textSize, words)
        }
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        val subject = placing ?: return false
        val spot = fit().spot(event.x, event.y)
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> {
                parent?.requestDisallowInterceptTouchEvent(true)
                begin = spot
            }
            MotionEvent.ACTION_MOVE, MotionEvent.ACTION_UP -> {
                val (width, height) = size()
                begin?.let { onBox(subject, Box.between(it, spot, width, height)) }
                if (event.actionMasked == MotionEvent.ACTION_UP) performClick()
            }
        }
        return true
    }

    override fun performClick(): Boolean = super.performClick()

    /** Until there is a picture, its place is a square. */
    private fun size() = bitmap?.let { it.width to it.height } ?: (SIDE to SIDE)

    private fun fit(): Fit = size().let { (width, height) -> Fit(this.width, this.height, width, height) }

    private companion object {
        const val SIDE = 512
    }
}
