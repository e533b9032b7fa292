package dev.cones

import dev.cones.generated.QueueListener
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.update
import dev.cones.generated.Queue as Native
import dev.cones.generated.QueueEntry as NativeEntry
import dev.cones.generated.QueueList as NativeList

/**
 * Draws requests one after another with an engine, on a thread of its own, while an app shows the [list].
 *
 * ```kotlin
 * val queue = engine.queue()
 * val ids = queue.add(Request("a dog on grass", previewEvery = 2)) to queue.add(Request("a cat", count = 3))
 * scope.launch { queue.list.collect { show(it.entries) } }
 * queue.moveTo(ids.second, 0)
 * queue.await(ids.second)
 * queue.take(ids.second).forEach { cat -> cat.use { it.save(File("${it.recipe?.seed}.png")) } }
 * ```
 *
 * Every function is short and may be called on any thread, [await] apart, which suspends. What goes wrong with one request is that
 * request's end ([QueueState.FAILED]) and touches no other. The engine may be used beside it: one picture at a time is drawn,
 * whoever asks. [close] the queue before its engine; an engine's memory is freed when both are closed.
 */
public class Queue private constructor(private val native: Handle<Native>, private val told: MutableStateFlow<QueueList>) :
    AutoCloseable {
    /**
     * Everything that is in it, anew with each change: what is over in the order in which it ended, what is being drawn, and what
     * waits in its order. Of changes that come faster than they are collected the last comes, which holds what the others did. What
     * this queue's own functions change stands there when they return.
     */
    public val list: StateFlow<QueueList> = told.asStateFlow()

    /**
     * Puts a request behind all others, and gives its id. Whether it can be drawn shows when it is its turn.
     *
     * @throws ConesException.BadRequest where the list is full ([QueueOptions.mostEntries]).
     */
    public fun add(request: Request): Long = changing { it.add(request.native()).toLong() }

    /**
     * Puts one that waits at a place among those that wait: 0 is drawn next, and what is beyond the end is the end.
     *
     * @throws ConesException.NotFound if it is not in the list.
     * @throws ConesException.BadRequest if it waits no more.
     */
    public fun moveTo(id: Long, place: Int): Unit = changing { it.moveTo(id.toULong(), place.unsigned("place")) }

    /**
     * Takes one out of the list: one that waits, which is then never drawn, or one that is over, with the pictures that nobody took.
     *
     * @throws ConesException.BadRequest if it is being drawn; [cancel] that.
     */
    public fun remove(id: Long): Unit = changing { it.remove(id.toULong()) }

    /**
     * Stops one that waits or is being drawn; it stays in the list as [QueueState.CANCELLED]. What is being drawn stops within a step,
     * after this has returned. `false` for one that is over.
     */
    public fun cancel(id: Long): Boolean = changing { it.cancel(id.toULong()) }

    /** Begins no further request until [resume]. What is being drawn goes on. */
    public fun pause(): Unit = changing { it.pause() }

    /** Goes on. */
    public fun resume(): Unit = changing { it.resume() }

    /**
     * The pictures of a request that nobody took yet, in their order, also while others of it are being drawn. They are the app's from
     * then on: close them.
     */
    public fun take(id: Long): List<Picture> = changing { queue -> queue.take(id.toULong()).map { it.wrapped() } }

    /**
     * Waits until a request is over. Where the queue is [full][QueueList.full] somebody has to take pictures meanwhile.
     *
     * @throws ConesException.NotFound if it is not in the list, or is taken out of it.
     */
    public suspend fun await(id: Long): QueueEntry {
        if (native.isClosed) throw native.closed()
        val ended = list.first { it.entry(id)?.isOver != false }
        return ended.entry(id) ?: throw ConesException.NotFound("no `$id` is in the queue", "$id", "look into its list again", null)
    }

    /** Cancels everything, for good. What is being drawn stops within a step; this returns at once. Pictures that were taken stay. */
    override fun close(): Unit = native.close()

    /** Whoever changes something finds it changed in the flow, which the library tells a moment later. */
    private fun <T> changing(change: (Native) -> T): T =
        native.call { queue -> change(queue).also { told.advance(queue.list()) } }

    internal companion object {
        fun open(engine: dev.cones.generated.Engine, options: QueueOptions): Queue {
            val told = MutableStateFlow(QueueList(emptyList(), options.paused, false, 0))
            val listener =
                object : QueueListener {
                    override fun onChange(list: NativeList) = told.advance(list)
                }
            return Queue(Handle(translated { Native.open(engine, options.native(), listener) }, "the queue"), told)
        }
    }
}

/**
 * The bounds of a queue. Everything may be left out.
 *
 * @property mostEntries entries in the list, 1000 if left out. Where there are so many, the oldest that are over and have no picture left
 *   are forgotten for a new one; if there is none, the new one is refused.
 * @property mostBytes bytes of pixels (3 for each) that nobody took, 256 MiB if left out: from there on no further picture is drawn until
 *   some are taken, or their entries removed.
 * @property paused begins paused.
 */
public data class QueueOptions(val mostEntries: Int? = null, val mostBytes: Long? = null, val paused: Boolean = false) {
    internal fun native() =
        dev.cones.generated.QueueOptions(
            mostEntries = mostEntries?.unsigned("mostEntries"),
            mostBytes = mostBytes?.unsigned("mostBytes"),
            paused = paused,
        )
}

/**
 * How far a request of a queue is: `WAITING`, `DRAWING`, and at its end `DONE`, `REFUSED` (it is drawn, and none of its pictures is safe),
 * `FAILED` ([QueueEntry.failure] says why) or `CANCELLED`.
 */
public typealias QueueState = dev.cones.generated.QueueState

/**
 * Everything that is in a queue, at one moment.
 *
 * @property entries what is over in the order in which it ended, what is being drawn, and what waits in its order.
 * @property paused whether no further request begins.
 * @property full whether nothing goes on until pictures are taken or their entries removed.
 * @property revision grows with each change.
 */
public data class QueueList(
    val entries: List<QueueEntry>,
    val paused: Boolean,
    val full: Boolean,
    val revision: Long,
) {
    /** The entry of this id, if there is one. */
    public fun entry(id: Long): QueueEntry? = entries.find { it.id == id }
}

/**
 * One request of a queue.
 *
 * @property id what names it; ids count up from 1.
 * @property prompt what is to be drawn, as it was asked for.
 * @property state how far it is.
 * @property pictures how many pictures it asks for.
 * @property drawn how many are drawn, without those that were refused.
 * @property ready how many of these nobody took yet.
 * @property progress what was told last, while it is being drawn.
 * @property preview the last preview, while it is being drawn.
 * @property failure why it failed.
 * @property refused pictures that were refused as not safe.
 * @property warnings what a person may want to know, once it is drawn.
 * @property timings where the time went, once it is drawn.
 */
public data class QueueEntry(
    val id: Long,
    val prompt: String,
    val state: QueueState,
    val pictures: Int = 1,
    val drawn: Int = 0,
    val ready: Int = 0,
    val progress: GenerateEvent.Progress? = null,
    val preview: Preview? = null,
    val failure: ConesException? = null,
    val refused: List<RefusedPicture> = emptyList(),
    val warnings: List<String> = emptyList(),
    val timings: Timings? = null,
) {
    /** Whether nothing comes any more. */
    public val isOver: Boolean get() = state != QueueState.WAITING && state != QueueState.DRAWING
}

private fun MutableStateFlow<QueueList>.advance(list: NativeList) {
    val newer = list.wrapped()
    update { if (newer.revision > it.revision) newer else it }
}

private fun NativeList.wrapped() = QueueList(entries.map { it.wrapped() }, paused, full, revision.toLong())

private fun NativeEntry.wrapped() =
    QueueEntry(
        id = id.toLong(),
        prompt = prompt,
        state = state,
        pictures = pictures.toInt(),
        drawn = drawn.toInt(),
        ready = ready.toInt(),
        progress = progress?.event(),
        preview = progress?.preview?.wrapped(),
        failure = failure?.translate(),
        refused = refused.map { it.wrapped() },
        warnings = warnings,
        timings = timings?.wrapped(),
    )
