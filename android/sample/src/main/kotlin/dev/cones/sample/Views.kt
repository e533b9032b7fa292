package dev.cones.sample

import android.content.Context
import android.graphics.Bitmap
import android.graphics.drawable.BitmapDrawable
import android.text.InputType
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.Button
import android.widget.EditText
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.SeekBar
import android.widget.TextView
import kotlin.random.Random
import kotlin.random.nextULong

// Views made by hand: the sample is about the library, and so has neither layouts nor a toolkit.

internal fun Context.dp(size: Int): Int = (size * resources.displayMetrics.density).toInt()

internal fun Context.column(build: LinearLayout.() -> Unit): LinearLayout =
    LinearLayout(this).apply {
        orientation = LinearLayout.VERTICAL
        val space = dp(12)
        setPadding(space, space, space, space)
        build()
    }

internal fun Context.row(build: LinearLayout.() -> Unit): LinearLayout =
    LinearLayout(this).apply {
        orientation = LinearLayout.HORIZONTAL
        build()
    }

/** Adds it with the whole width; with a [weight] it takes its share of the height that is left. */
internal fun <T : View> LinearLayout.full(view: T, weight: Float = 0f): T {
    addView(view, LinearLayout.LayoutParams(MATCH_PARENT, if (weight > 0) 0 else WRAP_CONTENT, weight))
    return view
}

/** Adds it to a row with a share of its width. */
internal fun <T : View> LinearLayout.share(view: T, weight: Float = 1f): T {
    addView(view, LinearLayout.LayoutParams(0, WRAP_CONTENT, weight))
    return view
}

/** Adds it to a row with the width it needs. */
internal fun <T : View> LinearLayout.side(view: T): T {
    addView(view, LinearLayout.LayoutParams(WRAP_CONTENT, WRAP_CONTENT))
    return view
}

internal fun Context.text(words: String = ""): TextView = TextView(this).apply { text = words }

internal fun Context.button(words: String, onClick: () -> Unit): Button =
    Button(this).apply {
        text = words
        setOnClickListener { onClick() }
    }

internal fun Context.field(hint: String, words: String = ""): EditText =
    EditText(this).apply {
        this.hint = hint
        setText(words)
        isSingleLine = true
    }

internal fun Context.seedField(): EditText = field("Any seed").apply { inputType = InputType.TYPE_CLASS_NUMBER }

/** What an int holds: people read seeds out and type them in. */
internal fun anySeed(): ULong = Random.nextULong(Int.MAX_VALUE.toULong())

/** From 0 to 1000; tells of each place that a finger moves it to. */
internal fun Context.slider(onMoved: () -> Unit): SeekBar =
    SeekBar(this).apply {
        max = 1000
        setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
            override fun onProgressChanged(bar: SeekBar?, progress: Int, fromUser: Boolean) {
                if (fromUser) onMoved()
            }

            override fun onStartTrackingTouch(bar: SeekBar?) = Unit

            override fun onStopTrackingTouch(bar: SeekBar?) = Unit
        })
    }

internal fun Context.picture(): ImageView =
    ImageView(this).apply {
        scaleType = ImageView.ScaleType.FIT_CENTER
        adjustViewBounds = true
    }

/** Previews and Toybox's pictures are small: pixels with sharp edges are more honest than a blur. */
internal fun ImageView.show(bitmap: Bitmap?) {
    setImageDrawable(bitmap?.let { BitmapDrawable(resources, it).apply { isFilterBitmap = it.width >= 256 } })
}
