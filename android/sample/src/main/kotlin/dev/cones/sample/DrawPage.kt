package dev.cones.sample

import android.text.InputType
import android.view.View
import android.widget.CheckBox
import android.widget.LinearLayout
import android.widget.ProgressBar
import dev.cones.PackInfo
import dev.cones.Recipe
import kotlin.random.Random
import kotlin.random.nextULong

/** Subjects, prompt, picture. */
internal class DrawPage(private val activity: MainActivity) {
    private val picture = activity.picture()
    private val prompt = activity.field("What to draw", "a dog on grass").apply { id = PROMPT }
    private val seed = activity.field("Any seed").apply { inputType = InputType.TYPE_CLASS_NUMBER }
    private val status = activity.text()
    private val subjects = LinearLayout(activity).apply { orientation = LinearLayout.VERTICAL }
    private val bar = ProgressBar(activity, null, android.R.attr.progressBarStyleHorizontal).apply { max = 1000 }
    private val draw = activity.button("Draw") { draw() }.apply { id = BEGIN }
    private val cancel = activity.button("Cancel") { activity.studio.cancel() }
    private var offered = emptyList<PackInfo>()

    val view: View = activity.column {
        full(picture, weight = 1f)
        full(bar)
        full(status)
        full(subjects)
        full(prompt)
        full(activity.row {
            share(seed)
            side(draw)
            side(cancel)
        })
    }

    fun show(state: State) {
        picture.show(state.picture)
        status.text = state.status
        bar.progress = state.progress
        draw.isEnabled = state.ready && !state.drawing
        cancel.isEnabled = state.drawing
        if (state.subjects != offered) offer(state.subjects)
    }

    /** Fills in what a picture was drawn from. */
    fun take(recipe: Recipe) {
        prompt.setText(recipe.prompt)
        seed.setText(recipe.seed.toString())
        val on = recipe.subjects.map { it.name }
        boxes().forEach { it.isChecked = it.tag in on }
    }

    private fun offer(packs: List<PackInfo>) {
        val on = boxes().filter { it.isChecked }.map { it.tag }
        offered = packs
        subjects.removeAllViews()
        for (pack in packs) {
            val box = CheckBox(activity).apply {
                text = "${pack.name} (${pack.subjectClass})"
                tag = pack.name
                isChecked = pack.name in on
                setOnClickListener { if (isChecked) mention(pack) }
            }
            subjects.addView(box)
        }
    }

    /** A subject shows in the picture where its trigger stands in the prompt; `{name}` is it. */
    private fun mention(pack: PackInfo) {
        val words = prompt.text.toString()
        if ("{${pack.name}}" in words || pack.trigger in words) return
        // The subject takes the place of its kind, as `a dog` becomes `a {rex}`.
        val kind = Regex("\\b${Regex.escape(pack.subjectClass)}\\b")
        prompt.setText(
            if (kind in words) kind.replaceFirst(words, "{${pack.name}}") else "$words and a {${pack.name}}",
        )
    }

    private fun draw() {
        activity.askForNotifications()
        val chosen = boxes().filter { it.isChecked }.map { it.tag as String }
        // What an int holds: people read seeds out and type them in.
        val number = seed.text.toString().toULongOrNull() ?: Random.nextULong(Int.MAX_VALUE.toULong())
        activity.studio.draw(prompt.text.toString(), chosen, number)
    }

    private fun boxes(): List<CheckBox> = (0 until subjects.childCount).map { subjects.getChildAt(it) as CheckBox }

    internal companion object {
        // For tests and for saving the state: views made by hand have no names.
        const val PROMPT = 1
        const val BEGIN = 2
    }
}
