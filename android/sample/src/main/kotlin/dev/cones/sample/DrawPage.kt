package dev.cones.sample

import android.view.View
import android.widget.CheckBox
import android.widget.LinearLayout
import android.widget.ProgressBar
import dev.cones.PackInfo
import dev.cones.Recipe

/** Subjects, prompt, picture. */
internal class DrawPage(private val activity: MainActivity) {
    private val picture = activity.picture()
    private val prompt = activity.field("What to draw", "a dog on grass").apply { id = PROMPT }
    private val seed = activity.seedField()
    private val status = activity.text()
    private val subjects = LinearLayout(activity).apply { orientation = LinearLayout.VERTICAL }
    private val bar = ProgressBar(activity, null, android.R.attr.progressBarStyleHorizontal).apply { max = 1000 }
    private val draw = activity.button("Draw") { draw() }.apply { id = BEGIN }
    private val cancel = activity.button("Cancel") { activity.studio.cancel() }
    private var offered = emptyList<PackInfo>()
    private var choices = emptyList<Choice>()

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
        draw.isEnabled = state.ready
        cancel.isEnabled = state.drawing
        if (state.subjects != offered) offer(state.subjects)
    }

    /** Fills in what a picture was drawn from. */
    fun take(recipe: Recipe) {
        prompt.setText(recipe.prompt)
        seed.setText(recipe.seed.toString())
        val on = recipe.subjects.associate { it.name to it.strength }
        choices.forEach { it.set(on[it.pack.name]) }
    }

    private fun offer(packs: List<PackInfo>) {
        val on = on()
        offered = packs
        subjects.removeAllViews()
        choices = packs.map { pack -> Choice(pack).also { it.set(on[pack.name]) } }
        for (choice in choices) subjects.full(choice.view)
    }

    /** A subject, and how strongly it is on. */
    private inner class Choice(val pack: PackInfo) {
        private val strength = activity.slider { redraw() }.apply {
            contentDescription = "How strongly ${pack.name} is on"
            tag = "${pack.name} strength"
        }
        private val box = CheckBox(activity).apply {
            text = "${pack.name} (${pack.subjectClass})"
            tag = pack.name
            setOnClickListener {
                strength.visibility = if (isChecked) View.VISIBLE else View.GONE
                if (isChecked) mention(pack)
            }
        }

        val view = activity.row {
            side(box)
            share(strength)
        }

        /** 0 to 1, and `null` while it is off. */
        val value: Float? get() = if (box.isChecked) strength.progress / 1000f else null

        fun set(value: Float?) {
            box.isChecked = value != null
            strength.visibility = if (value != null) View.VISIBLE else View.GONE
            strength.progress = (1000 * (value ?: 1f)).toInt()
        }
    }

    private fun on(): Map<String, Float> =
        choices.mapNotNull { choice -> choice.value?.let { choice.pack.name to it } }.toMap()

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
        val number = seed.text.toString().toULongOrNull() ?: anySeed()
        // Behind what waits already: the queue's page shows it.
        activity.studio.draw(Asked(prompt.text.toString(), on(), number).request())
    }

    /** While a slider moves: of one seed, so that what changes is the strength alone. */
    private fun redraw() {
        if (!activity.studio.state.value.ready) return
        if (seed.text.isEmpty()) seed.setText(anySeed().toString())
        activity.studio.redraw(Asked(prompt.text.toString(), on(), seed.text.toString().toULongOrNull() ?: 0u).request())
    }

    internal companion object {
        // For tests and for saving the state: views made by hand have no names.
        const val PROMPT = 1
        const val BEGIN = 2
    }
}
