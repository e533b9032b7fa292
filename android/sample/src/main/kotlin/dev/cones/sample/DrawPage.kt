package dev.cones.sample

import android.view.View
import android.widget.CheckBox
import android.widget.LinearLayout
import android.widget.ProgressBar
import dev.cones.PackInfo
import dev.cones.Recipe

/** Subjects, prompt, picture. */
internal class DrawPage(private val activity: MainActivity) {
    private val picture = BoxView(activity) { name, box -> place(name, box) }.apply { id = PICTURE }
    private val prompt = activity.field("What to draw", "a dog on grass").apply { id = PROMPT }
    private val seed = activity.seedField()
    private val status = activity.text()
    private val subjects = LinearLayout(activity).apply { orientation = LinearLayout.VERTICAL }
    private val bar = ProgressBar(activity, null, android.R.attr.progressBarStyleHorizontal).apply { max = 1000 }
    private val draw = activity.button("Draw") { draw() }.apply { id = BEGIN }
    private val cancel = activity.button("Cancel") { activity.studio.cancel() }
    private var offered = emptyList<PackInfo>()
    private var choices = emptyList<Choice>()
    private var boxes = emptyMap<String, Box>()

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
        val placed = on.keys.associateWith { name -> recipe.boxes.find { it.words == "{$name}" } }
        boxes = placed.mapNotNull { (name, it) -> it?.let { name to Box(it.left, it.top, it.right, it.bottom) } }.toMap()
        picture.show(boxes)
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
                set(if (isChecked) 1f else null)
                if (isChecked) mention(pack)
            }
        }

        /** While it is on, a finger on the picture draws where the subject is to be; a touch takes that back. */
        val place = CheckBox(activity).apply {
            text = "Place"
            tag = "${pack.name} place"
            setOnClickListener { placing(pack.name.takeIf { isChecked }) }
        }

        val view = activity.row {
            side(box)
            share(strength)
            side(place)
        }

        /** 0 to 1, and `null` while it is off. */
        val value: Float? get() = if (box.isChecked) strength.progress / 1000f else null

        fun set(value: Float?) {
            box.isChecked = value != null
            for (part in listOf(strength, place)) part.visibility = if (value != null) View.VISIBLE else View.GONE
            if (value == null && place.isChecked) place.performClick()
            if (value == null) place(pack.name, null)
            strength.progress = (1000 * (value ?: 1f)).toInt()
        }
    }

    /** One subject at a time. */
    private fun placing(name: String?) {
        picture.placing = name
        choices.forEach { it.place.isChecked = it.pack.name == name }
    }

    private fun place(name: String, box: Box?) {
        boxes = if (box == null) boxes - name else boxes + (name to box)
        picture.show(boxes)
    }

    private fun asked(seed: ULong) = Asked(prompt.text.toString(), on(), seed, boxes = boxes)

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
        activity.studio.draw(asked(number).request())
    }

    /** While a slider moves: of one seed, so that what changes is the strength alone. */
    private fun redraw() {
        if (!activity.studio.state.value.ready) return
        if (seed.text.isEmpty()) seed.setText(anySeed().toString())
        activity.studio.redraw(asked(seed.text.toString().toULongOrNull() ?: 0u).request())
    }

    internal companion object {
        // For tests and for saving the state: views made by hand have no names.
        const val PROMPT = 1
        const val BEGIN = 2
        const val PICTURE = 3
    }
}
