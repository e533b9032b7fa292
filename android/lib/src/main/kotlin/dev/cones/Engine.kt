package dev.cones

import dev.cones.generated.GenerateProgress
import dev.cones.generated.Listener
import java.io.File
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.channelFlow
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import dev.cones.generated.Engine as Native
import dev.cones.generated.Picture as NativePicture

/**
 * A base model ready to draw, one picture at a time, on a thread of its own.
 *
 * ```kotlin
 * Engine.open(File(models, "toybox")).use { engine ->
 *     val generated = engine.generate(Request("a dog on grass", seed = 7u))
 *     generated.pictures.first().save(File("dog.png"))
 * }
 * ```
 *
 * Safe to use from any thread and coroutine: calls wait for their turn without holding a thread. An engine holds the
 * model's memory, hundreds of megabytes for a large one; [close] it when it is not needed.
 *
 * @property info what the base model says of itself; readable after [close], too.
 */
public class Engine private constructor(private val native: Handle<Native>, public val info: BundleInfo) :
    AutoCloseable {
    private val thread = EngineThread()
    private val turn = Mutex()

    @Volatile
    private var current: Stop? = null

    /**
     * Draws the pictures of a request.
     *
     * Cancelling the coroutine stops the engine within a step; this returns (with the `CancellationException`) when the
     * engine is free again. Pictures hold native memory until they are closed or collected.
     *
     * [onProgress] is called on the engine's thread, and the time it takes delays the picture. What it throws stops the
     * picture with [ConesException.ListenerFailed].
     *
     * [onPicture], where it is given, gets each picture as soon as it is drawn, with its number from 0, on the same thread and with the
     * same end for what it throws. The pictures are the app's from then on, whatever comes after, and [Generated.pictures] is empty: of
     * many pictures no more than one is in memory if each is closed once it is saved.
     *
     * @throws ConesException everything else that goes wrong; the engine stays usable.
     */
    public suspend fun generate(
        request: Request,
        onPicture: ((Int, Picture) -> Unit)? = null,
        onProgress: (GenerateEvent.Progress) -> Unit = {},
    ): Generated {
        if (native.isClosed) throw native.closed()
        if (thread.isCurrent) throw busy()
        val guard = Guard()
        val listener =
            object : Listener {
                override fun onProgress(progress: GenerateProgress) = guard.run { onProgress(progress.event()) }

                override fun onPicture(index: UInt, picture: NativePicture): Boolean {
                    if (onPicture == null) {
                        // It comes again, in `Generated`.
                        picture.close()
                        return false
                    }
                    guard.run { onPicture(index.toInt(), picture.wrapped()) }
                    return true
                }
            }
        return turn.withLock {
            val stop = Stop()
            current = stop
            try {
                blocking(thread.dispatcher, stop, Generated::close) { token ->
                    guard.around { native.call { it.generate(request.native(), listener, token).wrapped() } }
                }
            } catch (error: ConesException.Cancelled) {
                // The coroutine was not cancelled, or this were its CancellationException: `close` stopped it.
                throw if (native.isClosed) native.closed() else error
            } finally {
                current = null
            }
        }
    }

    /**
     * What a request will take of memory, and how it will be carried out. Loads nothing; waits for what is being drawn.
     *
     * @throws ConesException.OutOfMemory if it does not fit, with what would.
     */
    public suspend fun memoryPlan(request: Request): MemoryPlan =
        turn.withLock {
            blocking(Dispatchers.IO, Stop()) { native.call { it.memoryPlan(request.native()).wrapped() } }
        }

    /**
     * The same as a cold flow: drawing begins with each collection, and ends within a step when the collector does.
     *
     * Each picture comes with [GenerateEvent.Drawn] as soon as it is drawn; the last event is [GenerateEvent.Finished]. No event is lost with a slow collector, and the
     * engine does not wait for one; `conflate()` skips events instead, pictures among them, never the end.
     *
     * ```kotlin
     * engine.events(Request("a dog on grass", previewEvery = 2)).collect { event ->
     *     when (event) {
     *         is GenerateEvent.Preparing -> status("…")
     *         is GenerateEvent.Step -> bar(event.step, event.steps, event.preview)
     *         is GenerateEvent.Decoding, is GenerateEvent.Decoded -> status("almost")
     *         is GenerateEvent.Drawn -> event.drawn.use { it.save(File("${event.index}.png")) }
     *         is GenerateEvent.Finished -> status("done")
     *     }
     * }
     * ```
     */
    public fun events(request: Request): Flow<GenerateEvent> =
        channelFlow<GenerateEvent> {
            // Never full, so nothing is lost; a failure means that the collector has gone, and then this is cancelled.
            val generated = generate(request, { index, drawn -> trySend(GenerateEvent.Drawn(index, drawn)) }) { trySend(it) }
            send(GenerateEvent.Finished(generated))
        }.buffer(Channel.UNLIMITED)

    /**
     * A queue that draws with this engine.
     *
     * @throws ConesException.BadRequest for bounds of 0.
     */
    public fun queue(options: QueueOptions = QueueOptions()): Queue = native.call { Queue.open(it, options) }

    /**
     * Frees the model. What is being drawn is stopped with [ConesException.Closed]; every later call gets the same.
     * Returns at once. Pictures that were drawn stay.
     */
    override fun close() {
        native.close()
        current?.cancel()
    }

    private fun busy() =
        ConesException.Busy(
            "the engine is drawing and called this listener; it cannot draw for it at the same time",
            "",
            "let the listener return first, and draw afterwards",
            null,
        )

    public companion object {
        /**
         * Opens the base model in a folder. Graphs are loaded when first needed.
         *
         * @param packs where the subjects of requests come from; may be closed afterwards.
         * @throws ConesException.BadBundle if the folder holds no base model that this version reads.
         */
        public suspend fun open(
            bundle: File,
            packs: PackStore? = null,
            options: EngineOptions = EngineOptions(),
        ): Engine =
            blocking(Dispatchers.IO, Stop(), Engine::close) {
                val native =
                    if (packs == null) {
                        translated { Native.open(bundle.path, null, options.native()) }
                    } else {
                        packs.native.call { Native.open(bundle.path, it, options.native()) }
                    }
                Engine(Handle(native, "the engine"), native.info().wrapped())
            }
    }
}

/**
 * How an engine runs. Everything may be left out.
 *
 * @property provider where the graphs run.
 * @property memory what stays loaded between and during pictures.
 * @property budget bytes that drawing may take beside what the process holds anyway; what the system says there is if left
 *   out. A request that needs more is refused with [ConesException.OutOfMemory].
 * @property threads threads inside one node; one for each physical core if left out.
 * @property cache folder for compiled models, for providers that compile. Safe to delete.
 * @property safety what is done with pictures that a classifier finds not safe; blurred if left out. To ask for anything but `OFF` where
 *   the base model brings no classifier, and none is named, is a [ConesException.BadRequest].
 * @property safetyClassifier a folder with a classifier (`safety.onnx` and `safety.json`) that is asked instead of the base model's own.
 */
public data class EngineOptions(
    val provider: Provider = Provider.CPU,
    val memory: MemoryMode = MemoryMode.AUTO,
    val budget: Long? = null,
    val threads: Int? = null,
    val cache: File? = null,
    val safety: SafetyPolicy? = null,
    val safetyClassifier: File? = null,
) {
    internal fun native() =
        dev.cones.generated.EngineOptions(
            provider = provider,
            memory = memory,
            budget = budget?.unsigned("budget"),
            threads = threads?.unsigned("threads"),
            cache = cache?.path,
            safety = safety,
            safetyClassifier = safetyClassifier?.path,
        )
}
