package dev.cones.android

import android.content.Context
import dev.cones.BundleStore
import dev.cones.PackStore
import java.io.File

/**
 * Where things lie on this device: folders of the app alone, which no permission is needed for and no other app sees. They
 * go when the app is removed.
 *
 * ```kotlin
 * val storage = Storage(context)
 * storage.openPacks().use { packs -> packs.list() }
 * ```
 */
public class Storage(context: Context) {
    /** Base models. Not backed up: they are large, and can be had again. */
    public val bundles: File = File(context.noBackupFilesDir, "cones/bundles")

    /** Subject packs. Not backed up: they can be had again. */
    public val packs: File = File(context.noBackupFilesDir, "cones/packs")

    /** Pictures that were kept. Backed up with the app's other files. */
    public val pictures: File = File(context.filesDir, "cones/pictures")

    /** For providers that compile models (`EngineOptions.cache`). The system may clear it. */
    public val compiled: File = File(context.cacheDir, "cones/compiled")

    internal val incoming: File = File(context.noBackupFilesDir, "cones/incoming")

    /** The base models on this device. */
    public suspend fun openBundles(): BundleStore = BundleStore.open(bundles)

    /** The packs on this device. */
    public suspend fun openPacks(): PackStore = PackStore.open(packs)
}
