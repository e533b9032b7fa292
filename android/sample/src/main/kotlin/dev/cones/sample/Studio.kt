package dev.cones.sample

import android.content.Context
import android.graphics.Bitmap
import dev.cones.BundleStore
import dev.cones.Catalog
import dev.cones.ConesException
import dev.cones.DownloadProgress
import dev.cones.Engine
import dev.cones.GenerateEvent
import dev.cones.PackInfo
import dev.cones.PackStore
import dev.cones.Request
import dev.cones.SubjectChoice
import dev.cones.Treatment
import dev.cones.android.ConesAndroid
import dev.cones.android.ForegroundKind
import dev.cones.android.ForegroundStopped
import dev.cones.android.Storage
import dev.cones.android.inForeground
import dev.cones.android.installAssets
import dev.cones.android.toBitmap
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
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** What the screen shows. */
internal data class State(
    val status: String = "Getting ready…",
    val ready: Boolean = false,
    val drawing: Boolean = false,
    /** 0 to 1000. */
    val progress: Int = 0,
    val picture: Bitmap? = null,
    val subjects: List<PackInfo> = emptyList(),
    /** Counts up when a picture was kept or removed. */
    val gallery: Int = 0,
)

/** The model, the packs and the drawing under way: one for the process, on the main thread. */
internal class Studio(private val context: Context) {
    val storage = Storage(context)
    val gallery = Gallery(storage.pictures)

    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Main.immediate)
    private val shown = MutableStateFlow(State())
    val state: StateFlow<State> = shown.asStateFlow()

    private class Tools(val packs: PackStore, val engine: Engine)

    private var tools: Deferred<Tools>? = null
    private var drawing: Job? = null

    /** Opens everything, the first time with the model and packs of the app's assets. */
    fun begin() {
        if (tools?.isCancelled == false) return
        tools = scope.async { open() }
        scope.launch {
            val message = told { shown.update { it.copy(ready = true, subjects = tools().packs.list()) } }
            shown.update { it.copy(status = message ?: "Ready") }
        }
    }

    /** Draws; shows previews, and keeps the pictures. */
    fun draw(prompt: String, subjects: List<String>, seed: ULong) {
        if (drawing?.isActive == true) return
        shown.update { it.copy(drawing = true, progress = 0, status = "Drawing…") }
        drawing = scope.launch {
            val message = told {
                val request =
                    Request(prompt, subjects = subjects.map { SubjectChoice(it) }, seed = seed, previewEvery = 1)
                inForeground(context, "Drawing", ForegroundKind.DRAWING) { notice ->
                    tools().engine.events(request).collect { event ->
                        if (event is GenerateEvent.Progress) notice.tell(event.step.toLong(), event.steps.toLong())
                        show(event)
                    }
                }
            }
            shown.update {
                val done = if (it.status == "Drawing…") "Done" else it.status
                it.copy(drawing = false, progress = 0, status = message ?: done)
            }
        }
        drawing?.invokeOnCompletion { cause ->
            // Cancelled: told() was passed by.
            if (cause != null) shown.update { it.copy(drawing = false, progress = 0, status = "Cancelled") }
        }
    }

    fun cancel() {
        drawing?.cancel()
        shown.update { if (it.drawing) it.copy(status = "Stopping…") else it }
    }

    private suspend fun show(event: GenerateEvent) {
        when (event) {
            is GenerateEvent.Step -> {
                val preview = event.preview?.toBitmap()
                shown.update {
                    it.copy(progress = 1000 * event.step / event.steps, picture = preview ?: it.picture)
                }
            }
            // Kept as it comes: it stands whatever becomes of the next.
            is GenerateEvent.Drawn -> event.drawn.use { drawn ->
                val bitmap = withContext(Dispatchers.Default) { drawn.toBitmap() }
                gallery.keep(drawn)
                val blurred = drawn.verdict?.treatment == Treatment.BLURRED
                val status = if (blurred) "Blurred: found not safe" else null
                shown.update { it.copy(picture = bitmap, gallery = it.gallery + 1, status = status ?: it.status) }
            }
            is GenerateEvent.Finished -> {
                val refused = event.generated.refused.size
                if (refused > 0) shown.update { it.copy(status = "$refused not shown: found not safe", picture = null) }
            }
            else -> Unit
        }
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

    private suspend fun open(): Tools = withContext(Dispatchers.IO) {
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
        Tools(packs, Engine.open(model, packs))
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
