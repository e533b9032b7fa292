package dev.cones

import java.io.File
import kotlinx.coroutines.Dispatchers
import dev.cones.generated.BundleStore as Native

/**
 * A folder of installed base models. Any number of coroutines and processes may use one.
 *
 * ```kotlin
 * val folder = bundles.install(catalog, "toybox") { progress -> bar(progress.bytes, progress.total) }
 * val engine = Engine.open(folder, packs)
 * ```
 */
public class BundleStore private constructor(internal val native: Handle<Native>) : AutoCloseable {
    /** The folder. */
    public val path: File get() = native.call { File(it.path()) }

    /** What is installed, by name. */
    public suspend fun list(): List<InstalledBundle> =
        io { store -> store.list().map { InstalledBundle(it.name, File(it.path)) } }

    /**
     * The folder of an installed base model, as [Engine.open] takes it.
     *
     * @throws ConesException.NotFound if there is none of that name.
     */
    public suspend fun get(name: String): File = io { File(it.get(name)) }

    /**
     * Downloads a base model of a catalogue, file by file, resuming what came before; gives its folder. Where several forms
     * of it are listed, takes [form] (`exact`, `int8`, …), or the best that the device has the memory for.
     *
     * Cancelling the coroutine stops the download. [onProgress] is called a few times a second, on a background thread.
     *
     * @throws ConesException.OutOfSpace before anything is downloaded, if it would not fit.
     */
    public suspend fun install(
        catalog: Catalog,
        name: String,
        form: String? = null,
        onProgress: (DownloadProgress) -> Unit = {},
    ): File =
        download(onProgress) { listener, token ->
            catalog.native.call { from -> native.call { File(it.install(from, name, listener, token, form)) } }
        }

    /**
     * Downloads a base model by the URL of its folder; its `bundle.json` must be signed (`bundle.json.minisig`) with the
     * pinned key, or with one that it has handed signing over to. Gives its folder. Whoever serves the address may serve any
     * base model that its publisher ever signed: one of another [name] or [fingerprint] is refused where they are given.
     *
     * @throws ConesException.Untrusted if it is not signed so, or another one.
     */
    public suspend fun installUrl(
        url: String,
        publicKey: String,
        name: String? = null,
        fingerprint: String? = null,
        onProgress: (DownloadProgress) -> Unit = {},
    ): File =
        download(onProgress) { listener, token ->
            native.call { File(it.installUrl(url, publicKey, listener, token, name, fingerprint)) }
        }

    /**
     * Installs a base model from a folder that the app got by its own means, such as an asset pack; gives its new folder.
     * Every file is hashed. With a [publicKey], `bundle.json.minisig` must lie beside `bundle.json` and be by that key;
     * without one, nobody vouches for the folder but whoever made it. [moveFiles] moves the files, which costs no space on
     * the same file system; otherwise they are copied.
     */
    public suspend fun installFolder(
        folder: File,
        publicKey: String? = null,
        moveFiles: Boolean = false,
        onProgress: (DownloadProgress) -> Unit = {},
    ): File =
        download(onProgress) { listener, token ->
            native.call { File(it.installFolder(folder.path, publicKey, moveFiles, listener, token)) }
        }

    /** Gives up what came of interrupted installs; gives the bytes that this frees. */
    public suspend fun clearInterrupted(): Long = io { it.clearInterrupted().toLong() }

    /** Removes a base model by name; says whether there was one. */
    public suspend fun remove(name: String): Boolean = io { it.remove(name) }

    /** Frees the native object; the folder stays. */
    override fun close(): Unit = native.close()

    private suspend fun <T> io(call: (Native) -> T): T = blocking(Dispatchers.IO, Stop()) { native.call(call) }

    public companion object {
        /** Opens the store in a folder, which is made if need be. */
        public suspend fun open(path: File): BundleStore =
            blocking(Dispatchers.IO, Stop(), BundleStore::close) {
                BundleStore(Handle(translated { Native.open(path.path) }, "the bundle store"))
            }
    }
}

/**
 * An installed base model.
 *
 * @property name its name.
 * @property path its folder, as [Engine.open] takes it.
 */
public data class InstalledBundle(val name: String, val path: File)
