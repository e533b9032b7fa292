package dev.cones.sample

import android.view.View
import android.widget.LinearLayout
import android.widget.ProgressBar
import android.widget.ScrollView

/** What waits, what is drawn and what is over. */
internal class QueuePage(private val activity: MainActivity) {
    private val pause = activity.button("Pause") { toggle() }
    private val nothing = activity.text("Nothing waits.")
    private val rows = LinearLayout(activity).apply { orientation = LinearLayout.VERTICAL }
    private var shown = emptyList<Line>()
    private var paused = false

    val view: View = activity.column {
        full(activity.row {
            share(nothing)
            side(pause)
        })
        full(ScrollView(activity).apply { addView(rows) }, weight = 1f)
    }

    fun show(state: State) {
        val list = state.queue
        paused = list?.paused == true
        pause.text = if (paused) "Go on" else "Pause"
        pause.isEnabled = list != null
        nothing.text = if (list?.entries.isNullOrEmpty()) "Nothing waits." else if (paused) "Paused" else ""
        val lines = list?.let { lines(it, state.live) }.orEmpty()
        if (lines == shown) return
        val sameRows = lines.map { it.copy(words = "", progress = null) } == shown.map { it.copy(words = "", progress = null) }
        shown = lines
        if (sameRows) {
            // A step alone: rows that a finger may be on stay.
            lines.forEachIndexed { index, line -> (rows.getChildAt(index).tag as Row).show(line) }
            return
        }
        rows.removeAllViews()
        for (line in lines) rows.full(Row(line).view)
    }

    private fun toggle() = activity.studio.change { if (paused) it.resume() else it.pause() }

    private inner class Row(line: Line) {
        private val words = activity.text()
        private val bar = ProgressBar(activity, null, android.R.attr.progressBarStyleHorizontal).apply { max = 1000 }

        val view: View = activity.row {
            share(activity.column {
                full(activity.text(line.title))
                full(words)
                full(bar)
            })
            val place = line.place
            if (place != null && place > 0) side(small("↑", "Draw sooner") { it.moveTo(line.id, place - 1) })
            if (line.canCancel) side(small("Stop", "Cancel this one") { it.cancel(line.id) })
            if (line.canRemove) side(small("✕", "Take it out of the list") { it.remove(line.id) })
            tag = this@Row
        }

        init {
            show(line)
        }

        fun show(line: Line) {
            words.text = line.words
            bar.visibility = if (line.progress == null) View.GONE else View.VISIBLE
            bar.progress = line.progress ?: 0
        }

        private fun small(words: String, meaning: String, act: (dev.cones.Queue) -> Unit) =
            activity.button(words) { activity.studio.change(act) }.apply {
                contentDescription = meaning
                minWidth = activity.dp(48)
                minimumWidth = activity.dp(48)
            }
    }
}
