package dev.cones.android

import android.content.Context
import dev.cones.BundleStore
import dev.cones.PackInfo
import dev.cones.PackStore
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext

/**
 * Installs a base model that the app ships in its assets, or in an install-time asset pack, which looks the same.
 *
 * Assets are not files, so they are copied once; for that time the model takes its space twice. Every file is hashed.
 *
 * ```kotlin
 * val folder = storage.openBundles().use { it.installAssets(context, storage, "toybox") }
 * ```
 *
 * @param assets the folder within the assets that holds `bundle.json`.
 * @return the folder, as `Engine.open` takes it.
 * @throws IOException if there is no such folder, or no space.
 */
public suspend fun BundleStore.installAssets(context: Context, storage: Storage, assets: String): File {
    // The same file system as the store, so that its files can be moved.
    val copy = File(storage.incoming, assets)
    try {
        context.copyAssets(assets, copy)
        return installFolder(copy, moveFiles = true)
    } finally {
        withContext(Dispatchers.IO) { copy.deleteRecursively() }
    }
}

/** Installs every `.cones` file of a folder within the assets; [bundle] as in [PackStore.installFile]. */
public suspend fun PackStore.installAssets(
    context: Context,
    storage: Storage,
    assets: String,
    bundle: File? = null,
): List<PackInfo> {
    val copy = File(storage.incoming, assets)
    try {
        context.copyAssets(assets, copy)
        val files = copy.listFiles { file -> file.extension == "cones" }.orEmpty()
        return files.sortedBy { it.name }.map { installFile(it, bundle) }
    } finally {
        withContext(Dispatchers.IO) { copy.deleteRecursively() }
    }
}

private suspend fun Context.copyAssets(from: String, to: File): Unit =
    withContext(Dispatchers.IO) {
        // Of a copy that was interrupted.
        to.deleteRecursively()
        if (!to.mkdirs()) throw IOException("cannot create $to: is there space?")
        val names = assets.list(from).orEmpty()
        if (names.isEmpty()) throw FileNotFoundException("the app has no assets in `$from`")
        for (name in names) {
            currentCoroutineContext().ensureActive()
            assets.open("$from/$name").use { input -> File(to, name).outputStream().use { input.copyTo(it) } }
        }
    }
