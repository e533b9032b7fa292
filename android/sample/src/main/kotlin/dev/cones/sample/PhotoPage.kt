package dev.cones.sample

import android.view.View
import android.widget.CheckBox
import kotlin.math.max

/** A photo, drawn over: as a whole by the slider, or where a finger painted. */
internal class PhotoPage(private val activity: MainActivity) {
    private val photo = MaskView(activity) { painted() }.apply { id = PHOTO }
    private val result = activity.picture()
    private val prompt = activity.field("What to draw there", "a dog on grass").apply { id = PROMPT }
    private val seed = activity.seedField()
    private val status = activity.text()
    private val brushWords = activity.text()
    private val brush = activity.slider { brushed() }.apply { id = BRUSH }
    private val rubber = CheckBox(activity).apply {
        text = "Rub out"
        setOnClickListener { photo.erases = isChecked }
    }
    private val strengthWords = activity.text()
    private val strength = activity.slider { strengthened() }.apply { id = STRENGTH }
    private val undo = activity.button("Undo") { change { it.undo() } }
    private val clear = activity.button("Clear") { change { it.clear() } }
    private val draw = activity.button("Draw over") { draw() }.apply { id = BEGIN }
    private var shown: Photo? = null

    val view: View = activity.column {
        full(activity.row {
            share(activity.button("Choose a photo") { activity.choosePhoto() })
            share(activity.button("The last picture") { lastPicture() })
        })
        full(photo, weight = 1f)
        full(result, weight = 1f)
        full(status)
        full(brushWords)
        full(brush)
        full(activity.row {
            share(rubber)
            side(undo)
            side(clear)
        })
        full(strengthWords)
        full(strength)
        full(prompt)
        full(activity.row {
            share(seed)
            side(draw)
        })
    }

    init {
        brush.progress = 400
        strength.progress = 600
        brushed()
        say()
    }

    fun show(state: State) {
        status.text = state.status
        result.show(state.picture)
        draw.isEnabled = state.ready && state.photo != null
        if (state.photo !== shown) {
            shown = state.photo
            photo.show(shown)
            brushed()
        }
        painted()
    }

    private fun lastPicture() {
        activity.studio.state.value.picture?.let(activity.studio::take)
    }

    /** The slider's whole length is a quarter of the photo. */
    private fun brushed() {
        val side = shown?.bitmap?.let { max(it.width, it.height) } ?: 0
        photo.radius = max(brush.progress * side / 8000f, 1f)
        brushWords.text = "Brush: ${(2 * photo.radius).toInt()} pixels"
    }

    /** Drawn anew while the slider moves: each place of it takes the turn of the one before. */
    private fun strengthened() {
        say()
        if (shown != null && activity.studio.state.value.ready) activity.studio.redrawOver(asked())
    }

    private fun say() {
        strengthWords.text = "Strength: ${strength.progress / 10} % drawn anew"
    }

    private fun change(change: (Mask) -> Unit) {
        shown?.mask?.let(change)
        photo.invalidate()
        painted()
    }

    private fun painted() {
        val strokes = shown?.mask?.strokes.orEmpty()
        undo.isEnabled = strokes.isNotEmpty()
        clear.isEnabled = strokes.isNotEmpty()
    }

    private fun draw() {
        activity.askForNotifications()
        activity.studio.drawOver(asked())
    }

    private fun asked(): Asked {
        // One seed for a slider's whole way: what changes is the strength alone.
        if (seed.text.isEmpty()) seed.setText(anySeed().toString())
        return Asked(prompt.text.toString(), seed = seed.text.toString().toULongOrNull() ?: 0u, strength = strength.progress / 1000f)
    }

    internal companion object {
        const val PHOTO = 11
        const val PROMPT = 12
        const val BRUSH = 13
        const val STRENGTH = 14
        const val BEGIN = 15
    }
}
