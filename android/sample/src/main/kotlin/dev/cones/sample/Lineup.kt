package dev.cones.sample

import dev.cones.ConesException
import dev.cones.GenerateEvent
import dev.cones.Queue
import dev.cones.QueueEntry
import dev.cones.QueueList
import dev.cones.QueueState
import dev.cones.Request

// No Android in here: what the screen says of a queue, and the one request that follows a slider.

/** One line of the queue's page. */
internal data class Line(
    val id: Long,
    val title: String,
    val words: String,
    /** 0 to 1000 while it is drawn. */
    val progress: Int?,
    /** Its place among those that wait. */
    val place: Int?,
    val canCancel: Boolean,
    val canRemove: Boolean,
)

/** Lines of a list, without what follows a slider. */
internal fun lines(list: QueueList, live: Set<Long>): List<Line> {
    val waiting = list.entries.filter { it.state == QueueState.WAITING }.map { it.id }
    return list.entries.filter { it.id !in live }.map { entry ->
        Line(
            id = entry.id,
            title = entry.prompt,
            words = words(entry),
            progress = entry.progress?.let(::share),
            place = waiting.indexOf(entry.id).takeIf { it >= 0 },
            canCancel = !entry.isOver,
            canRemove = entry.state != QueueState.DRAWING,
        )
    }
}

/** How far a request is, for a person. */
internal fun words(entry: QueueEntry): String {
    val notShown = if (entry.refused.isEmpty()) "" else ", ${entry.refused.size} not shown: found not safe"
    val told = if (entry.warnings.isEmpty()) "" else "\n" + entry.warnings.joinToString("\n")
    return when (entry.state) {
        QueueState.WAITING -> if (entry.pictures > 1) "Waits, ${entry.pictures} pictures" else "Waits"
        QueueState.DRAWING -> entry.progress?.let { step(it) } ?: "Begins"
        QueueState.DONE -> "Done$notShown$told"
        QueueState.REFUSED -> "Not shown: found not safe"
        QueueState.FAILED -> entry.failure?.let { "${it.reason} ${it.hint}".trim() } ?: "It could not be drawn"
        QueueState.CANCELLED -> if (entry.drawn > 0) "Cancelled behind ${entry.drawn} of ${entry.pictures}" else "Cancelled"
    }
}

private fun step(progress: GenerateEvent.Progress): String {
    val step = "Step ${progress.step} of ${progress.steps}"
    return if (progress.pictures > 1) "Picture ${progress.picture + 1} of ${progress.pictures}, $step" else step
}

/** How far a whole request is, 0 to 1000. */
internal fun share(progress: GenerateEvent.Progress): Int {
    val all = progress.pictures.coerceAtLeast(1).toLong() * progress.steps.coerceAtLeast(1)
    val done = progress.picture.toLong() * progress.steps.coerceAtLeast(1) + progress.step
    return (1000 * done / all).toInt().coerceIn(0, 1000)
}

/** The one request that follows a slider: a newer one takes its place, whether it waits or is being drawn. */
internal class Live(private val queue: Queue) {
    private val asked = mutableSetOf<Long>()
    private var last: Long? = null

    /** Those that stand in the queue: the last, and others whose end was not seen yet. */
    val ids: Set<Long> get() = asked.toSet()

    /** Is drawn next, in the place of what was asked before. */
    fun ask(request: Request): Long {
        drop()
        val id = queue.add(request)
        asked += id
        last = id
        // Nobody who moves a slider waits for ten others.
        try {
            queue.moveTo(id, 0)
        } catch (_: ConesException.BadRequest) {
            // It has begun, which is as good.
        }
        return id
    }

    /** Gives up what was asked. */
    fun drop() {
        val id = last ?: return
        last = null
        if (queue.list.value.entry(id) != null) queue.cancel(id)
    }

    /** Takes one that is over out of the list. */
    fun forget(id: Long) {
        asked -= id
        queue.remove(id)
    }
}
