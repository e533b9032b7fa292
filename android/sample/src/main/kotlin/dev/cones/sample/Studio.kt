package dev.cones.sample

import android.content.Context
import android.graphics.Bitmap
import dev.cones.BundleStore
import dev.cones.Catalog
import dev.cones.ConesException
import dev.cones.DownloadProgress
import dev.cones.Engine
import dev.cones.EngineOptions
import dev.cones.MemoryMode
import dev.cones.PackInfo
import dev.cones.PackStore
import dev.cones.Picture
import dev.cones.Queue
import dev.cones.QueueEntry
import dev.cones.QueueList
import dev.cones.QueueState
import dev.cones.Request
import dev.cones.SafetyPolicy
import dev.cones.Treatment
import dev.cones.android.ConesAndroid
import dev.cones.android.ForegroundKind
import dev.cones.android.ForegroundStopped
import dev.cones.android.Storage
import dev.cones.android.inForeground
import dev.cones.android.installAssets
import dev.cones.android.toBitmap
import dev.cones.android.toPicture
import java.io.File
import java.io.IOException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** How the engine runs, as far as a person says. */
internal data class Choices(val memory: MemoryMode = MemoryMode.AUTO, val safety: SafetyPolicy? = null)

/** What the screen shows. */
internal data class State(
    val status: String = "Getting ready…",
    val ready: Boolean = false,
    val drawing: Boolean = false,
    /** 0 to 1000. */
    val progress: Int = 0,
    val picture: Bitmap? = null,
    /** What is drawn over, and its mask. */
    val photo: Photo? = null,
    val subjects: List<PackInfo> = emptyList(),
    val queue: QueueList? = null,
    /** Requests that follow the slider, and are not told of. */
    val live: Set<Long> = emptySet(),
    val choices: Choices = Choices(),
    /** The classifier that the model brings; without one there is nothing to choose. */
    val classifier: String? = null,
    /** Counts up when a picture was kept or removed. */
    val gallery: Int = 0,
)

/** A photo that is drawn over, and what a finger painted on it. */
internal class Photo(val bitmap: Bitmap, val picture: Picture) {
    val mask = Mask(bitmap.width, bitmap.height)
}

/** The model, the packs and the queue: one for the process, on the main thread. */
internal class Studio(private val context: Context) {
    val storage = Storage(context)
    val gallery = Gallery(storage.pictures)

    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Main.immediate)
    private val shown = MutableStateFlow(State())
    val state: StateFlow<State> = shown.asStateFlow()

    private class Tools(val packs: PackStore, val engine: Engine) {
        val queue: Queue = engine.queue()
        val live = Live(queue)
    }

    private var tools: Deferred<Tools>? = null
    private var watching: Job? = null
    private var foreground: Job? = null
    private var asking: Job? = null

    /** Requests whose end was told. */
    private val ended = mutableSetOf<Long>()

    /** Opens everything, the first time with the model and packs of the app's assets. */
    fun begin() {
        if (tools?.isCancelled == false) return
        val choices = shown.value.choices
        tools = scope.async { open(choices) }
        scope.launch {
            val message = told {
                val tools = tools()
                shown.update { it.copy(ready = true, subjects = tools.packs.list(), classifier = tools.engine.info.safety) }
                watching = scope.launch {
                    tools.queue.list.collect { list ->
                        val message = told { show(tools, list) }
                        if (message != null) shown.update { it.copy(status = message) }
                    }
                }
            }
            shown.update { it.copy(status = message ?: "Ready") }
        }
    }

    /** Opens the model anew. What waits or is being drawn is cancelled. */
    fun choose(choices: Choices) {
        if (choices == shown.value.choices) return
        shown.update { it.copy(choices = choices, ready = false, status = "Getting ready…", queue = null, live = emptySet()) }
        val old = tools
        watching?.cancel()
        tools = null
        ended.clear()
        scope.launch {
            try {
                old?.await()?.run {
                    queue.close()
                    engine.close()
                    packs.close()
                }
            } catch (_: ConesException) {
                // It did not open, which was told.
            }
            begin()
        }
    }

    /** Puts a request behind all others; its pictures are kept. */
    fun draw(request: Request) {
        launching { tools ->
            tools.live.drop()
            val id = tools.queue.add(request)
            shown.update { it.copy(status = "Drawing…") }
            stay(tools, id)
        }
    }

    /** The photo of the screen, drawn over as is asked; with what was painted on it, or all of it. */
    fun drawOver(asked: Asked) {
        val photo = shown.value.photo ?: return
        draw(over(photo, asked))
    }

    /** The same for a slider that moves. */
    fun redrawOver(asked: Asked) {
        val photo = shown.value.photo ?: return
        redraw(over(photo, asked))
    }

    /** Draws what is shown and not kept, in the place of what was asked so before: for a slider that moves. */
    fun redraw(request: Request) {
        asking?.cancel()
        asking = launching { tools ->
            tools.live.ask(request)
            shown.update { it.copy(live = tools.live.ids) }
        }
    }

    private fun over(photo: Photo, asked: Asked): Request {
        val mask = photo.mask.takeIf { !it.isEmpty }
        return asked.request(photo.picture, mask?.let { Picture.fromRgba(it.width, it.height, it.rgba()) })
    }

    /** Takes a photo to draw over. */
    fun take(bitmap: Bitmap) = shown.update { it.copy(photo = Photo(bitmap, bitmap.toPicture())) }

    /** Stops what is being drawn. */
    fun cancel() {
        val drawing = shown.value.queue?.entries?.find { it.state == QueueState.DRAWING } ?: return
        change { it.cancel(drawing.id) }
        shown.update { it.copy(status = "Stopping…") }
    }

    /** Changes the queue, as its page asks. */
    fun change(change: (Queue) -> Unit) {
        launching { tools ->
            try {
                change(tools.queue)
            } catch (_: ConesException.NotFound) {
                // It has gone since the person saw it.
            }
        }
    }

    private suspend fun show(tools: Tools, list: QueueList) {
        val drawing = list.entries.find { it.state == QueueState.DRAWING }
        val preview = drawing?.preview?.toBitmap()
        shown.update {
            it.copy(
                queue = list,
                // Until its pictures are kept.
                drawing = list.entries.any { entry -> !entry.isOver || entry.ready > 0 },
                progress = drawing?.progress?.let(::share) ?: 0,
                picture = preview ?: it.picture,
            )
        }
        for (entry in list.entries) {
            if (entry.ready > 0) keep(tools, entry)
            if (entry.isOver && ended.add(entry.id)) end(tools, entry)
        }
    }

    /** As they come: they stand whatever becomes of the next. */
    private suspend fun keep(tools: Tools, entry: QueueEntry) {
        val isLive = entry.id in tools.live.ids
        for (drawn in tools.queue.take(entry.id)) drawn.use {
            val bitmap = withContext(Dispatchers.Default) { drawn.toBitmap() }
            val message = if (isLive) null else told { gallery.keep(drawn) }
            val blurred = drawn.verdict?.treatment == Treatment.BLURRED
            val status = message ?: if (blurred) "Blurred: found not safe" else "Done"
            shown.update { it.copy(picture = bitmap, gallery = it.gallery + if (isLive) 0 else 1, status = status) }
        }
    }

    private fun end(tools: Tools, entry: QueueEntry) {
        // What followed the slider leaves no line behind.
        if (entry.id in tools.live.ids) {
            tools.live.forget(entry.id)
            shown.update { it.copy(live = tools.live.ids) }
            if (entry.state == QueueState.CANCELLED) return
        }
        val refused = entry.refused.isNotEmpty()
        if (entry.state == QueueState.DONE && !refused) return
        shown.update { it.copy(status = words(entry), picture = if (refused) null else it.picture) }
    }

    /** Keeps the process while the queue draws, whether or not the app is seen. */
    private fun stay(tools: Tools, id: Long) {
        if (foreground?.isActive == true) return
        foreground = scope.launch {
            try {
                inForeground(context, "Drawing", ForegroundKind.DRAWING) { notice ->
                    val telling = tools.queue.list.onEach { list ->
                        list.entries.firstNotNullOfOrNull { it.progress }?.let { notice.tell(share(it).toLong(), 1000) }
                    }
                    telling.first { list -> list.paused || list.entries.all { it.isOver } || list.entry(id) == null }
                }
            } catch (stopped: ForegroundStopped) {
                tools.queue.list.value.entries.filter { !it.isOver }.forEach { tools.queue.cancel(it.id) }
                shown.update { it.copy(status = stopped.message.orEmpty()) }
            }
        }
    }

    private fun launching(block: suspend (Tools) -> Unit): Job = scope.launch {
        val message = told { block(tools()) }
        if (message != null) shown.update { it.copy(status = message) }
    }

    fun galleryChanged(): Unit = shown.update { it.copy(gallery = it.gallery + 1) }

    suspend fun catalog(url: String, key: String): Catalog = tools().packs.fetchCatalog(url, key)

    /** Installs a pack; goes on when the person turns the phone or leaves the app. */
    suspend fun install(catalog: Catalog, name: String, onProgress: (DownloadProgress) -> Unit) {
        val installing = scope.async {
            val tools = tools()
            inForeground(context, "Getting $name", ForegroundKind.DOWNLOADING) { notice ->
                tools.packs.install(catalog, name, tools.engine.info.path) {
                    notice.tell(it.bytes, it.total)
                    onProgress(it)
                }
            }
            shown.update { it.copy(subjects = tools.packs.list()) }
        }
        installing.await()
    }

    suspend fun remove(name: String) {
        val tools = tools()
        tools.packs.remove(name)
        shown.update { it.copy(subjects = tools.packs.list()) }
    }

    private suspend fun tools(): Tools {
        begin()
        return checkNotNull(tools).await()
    }

    private suspend fun open(choices: Choices): Tools = withContext(Dispatchers.IO) {
        ConesAndroid.initialize()
        val packs = storage.openPacks()
        val model = storage.openBundles().use { model(it) }
        if (packs.list().isEmpty()) {
            try {
                packs.installAssets(context, storage, "packs", model)
            } catch (_: IOException) {
                // An app without packs in its assets gets them from a catalogue.
            }
        }
        Tools(packs, Engine.open(model, packs, EngineOptions(memory = choices.memory, safety = choices.safety)))
    }

    private suspend fun model(bundles: BundleStore): File =
        bundles.list().firstOrNull()?.path ?: bundles.installAssets(context, storage, MODEL)

    internal companion object {
        const val MODEL = "toybox"

        /** Runs it; gives what to tell the person if it fails. */
        suspend fun told(block: suspend () -> Unit): String? =
            try {
                block()
                null
            } catch (error: ConesException) {
                listOf(error.reason, error.details, error.hint).filter { it.isNotEmpty() }.joinToString("\n")
            } catch (error: ForegroundStopped) {
                error.message
            } catch (error: IOException) {
                error.message ?: error.toString()
            }
    }
}
