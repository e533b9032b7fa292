package dev.cones.sample

import android.content.Context
import android.view.View
import android.widget.RadioButton
import android.widget.RadioGroup
import dev.cones.MemoryMode
import dev.cones.SafetyPolicy

/** Memory, and what is done with pictures that are not safe. */
internal class ChoicesPage(private val activity: MainActivity) {
    private val memory = Group("Memory", MEMORY) { index ->
        activity.studio.choose(choices().copy(memory = MEMORY[index].first))
    }
    private val safety = Group("Pictures that are not safe", SAFETY) { index ->
        activity.studio.choose(choices().copy(safety = SAFETY[index].first))
    }
    private val classifier = activity.text()

    val view: View = activity.column {
        full(activity.text("Memory"))
        full(memory.view)
        full(activity.text("Pictures that are not safe"))
        full(classifier)
        full(safety.view)
    }

    fun show(state: State) {
        memory.show(MEMORY.indexOfFirst { it.first == state.choices.memory }, state.ready)
        safety.show(SAFETY.indexOfFirst { it.first == state.choices.safety }.coerceAtLeast(0), state.ready && state.classifier != null)
        classifier.text = state.classifier?.let { "$it looks at every picture and preview." }
            ?: "This base model brings no classifier: nobody looks at its pictures."
    }

    private fun choices() = activity.studio.state.value.choices

    private inner class Group(what: String, private val names: List<Pair<*, String>>, onChosen: (Int) -> Unit) {
        private val buttons = names.map { (_, words) -> RadioButton(activity as Context).apply { text = words } }

        val view = RadioGroup(activity).apply {
            contentDescription = what
            for ((index, button) in buttons.withIndex()) {
                button.id = View.generateViewId()
                addView(button)
                // Not the group's own listener, which also hears what `show` does.
                button.setOnClickListener { onChosen(index) }
            }
        }

        fun show(chosen: Int, enabled: Boolean) {
            buttons.getOrNull(chosen)?.let { if (!it.isChecked) view.check(it.id) }
            buttons.forEach { it.isEnabled = enabled }
        }
    }

    private companion object {
        val MEMORY = listOf(
            MemoryMode.AUTO to "The fastest way that fits",
            MemoryMode.RESIDENT to "Everything stays loaded",
            MemoryMode.SEQUENTIAL to "One part of the model after another",
            MemoryMode.LEAST to "The least",
        )
        val SAFETY = listOf(
            SafetyPolicy.BLUR to "Blur them",
            SafetyPolicy.REFUSE to "Show nothing of them",
            SafetyPolicy.REPORT to "Show them, and say so",
            SafetyPolicy.OFF to "Do not look",
        )
    }
}
