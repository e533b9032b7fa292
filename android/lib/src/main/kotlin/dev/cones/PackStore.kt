package dev.cones

import java.io.File
import kotlinx.coroutines.Dispatchers
import dev.cones.generated.PackStore as Native

/**
 * A folder of installed packs. Any number of engines, coroutines and processes may use one.
 *
 * ```kotlin
 * PackStore.open(File(files, "packs")).use { packs ->
 *     packs.fetchCatalog("https://example.org/catalog.json", publicKey = PINNED).use { catalog ->
 *         packs.install(catalog, "rex") { progress -> bar(progress.bytes, progress.total) }
 *     }
 *     val engine = Engine.open(model, packs)
 *     engine.generate(Request("a {rex} on grass", subjects = listOf(SubjectChoice("rex"))))
 * }
 * ```
 */
public class PackStore private constructor(internal val native: Handle<Native>) : AutoCloseable {
    /** The folder. */
    public val path: File get() = native.call { File(it.path()) }

    /** What is installed, by name. */
    public suspend fun list(): List<PackInfo> = io { store -> store.list().map { it.wrapped() } }

    /**
     * An installed pack by name; where several base models' packs share the name, that of [fingerprint].
     *
     * @throws ConesException.NotFound if there is none.
     */
    public suspend fun get(name: String, fingerprint: String? = null): PackInfo =
        io { it.get(name, fingerprint).wrapped() }

    /**
     * Installs a pack file. With [bundle], the folder of a base model, the pack is decoded for that model first; without
     * it header and checksum are checked.
     */
    public suspend fun installFile(file: File, bundle: File? = null): PackInfo =
        io { it.installFile(file.path, bundle?.path).wrapped() }

    /**
     * Gets a catalogue, checks it against the publisher's pinned key, and refuses one that has expired or is older than
     * this store has seen from that key. [url] is that of `catalog.json`. Where the pinned key has handed signing over to
     * others (`keys.json` beside it, which this store remembers), theirs count, and revoked ones do not.
     *
     * @throws ConesException.Untrusted if it is not by that key, expired or older.
     */
    public suspend fun fetchCatalog(url: String, publicKey: String): Catalog =
        blocking(Dispatchers.IO, Stop(), Catalog::close) { token ->
            Catalog(Handle(native.call { it.fetchCatalog(url, publicKey, token) }, "the catalogue"))
        }

    /**
     * The same for a catalogue that the app got by its own means: [json] is `catalog.json`, [signature] the text of
     * `catalog.json.minisig`. What it lists may be relative to [url]. Where there is a `keys.json`, [acceptKeys] takes that
     * first.
     */
    public suspend fun acceptCatalog(url: String, json: ByteArray, signature: String, publicKey: String): Catalog =
        blocking(Dispatchers.IO, Stop(), Catalog::close) {
            val direct = java.nio.ByteBuffer.allocateDirect(json.size).put(json)
            direct.flip()
            Catalog(Handle(native.call { it.acceptCatalog(url, direct, signature, publicKey) }, "the catalogue"))
        }

    /**
     * Checks a statement of keys that the app got by its own means, and remembers it: which keys count in place of the pinned
     * one, and which were revoked. [json] is `keys.json`, [signature] the text of `keys.json.minisig`. [fetchCatalog] does so
     * by itself.
     *
     * @throws ConesException.Untrusted if it is not by that key, expired or older than this store has seen.
     */
    public suspend fun acceptKeys(url: String, json: ByteArray, signature: String, publicKey: String): Unit =
        io {
            val direct = java.nio.ByteBuffer.allocateDirect(json.size).put(json)
            direct.flip()
            it.acceptKeys(url, direct, signature, publicKey)
        }

    /**
     * Downloads the newest version of a pack of a catalogue and installs it; what an earlier attempt left is resumed, what
     * is installed already is not downloaded again. [bundle] as in [installFile]; with it, the pack for that base model
     * is taken.
     *
     * Cancelling the coroutine stops the download. [onProgress] is called a few times a second, on a background thread.
     */
    public suspend fun install(
        catalog: Catalog,
        name: String,
        bundle: File? = null,
        onProgress: (DownloadProgress) -> Unit = {},
    ): PackInfo =
        download(onProgress) { listener, token ->
            catalog.native.call { from ->
                native.call { it.install(from, name, bundle?.path, listener, token).wrapped() }
            }
        }

    /**
     * Installs what the catalogue has in newer versions, of packs that were installed from catalogues of its publisher; gives those
     * that were replaced, as they are now. What a publisher has withdrawn, [list] tells ([PackInfo.withdrawn]).
     *
     * Cancelling the coroutine stops the downloads. [onProgress] is called as by [install].
     */
    public suspend fun update(catalog: Catalog, onProgress: (DownloadProgress) -> Unit = {}): List<PackInfo> =
        download(onProgress) { listener, token ->
            catalog.native.call { from -> native.call { it.update(from, listener, token).map { pack -> pack.wrapped() } } }
        }

    /** Reads every pack again; gives those that are damaged. */
    public suspend fun verify(): List<DamagedPack> =
        io { store -> store.verify().map { DamagedPack(it.pack.wrapped(), it.reason) } }

    /** Removes a pack by name: of all base models, or only that of [fingerprint]. Says whether there was one. */
    public suspend fun remove(name: String, fingerprint: String? = null): Boolean =
        io { it.remove(name, fingerprint) }

    /** Frees the native object; the folder stays, and engines that were opened with it go on. */
    override fun close(): Unit = native.close()

    private suspend fun <T> io(call: (Native) -> T): T = blocking(Dispatchers.IO, Stop()) { native.call(call) }

    public companion object {
        /** Opens the store in a folder, which is made if need be. */
        public suspend fun open(path: File): PackStore =
            blocking(Dispatchers.IO, Stop(), PackStore::close) {
                PackStore(Handle(translated { Native.open(path.path) }, "the pack store"))
            }
    }
}
