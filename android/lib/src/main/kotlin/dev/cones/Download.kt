package dev.cones

import dev.cones.generated.DownloadListener
import kotlinx.coroutines.Dispatchers
import dev.cones.generated.CancelToken
import dev.cones.generated.DownloadProgress as NativeProgress

/**
 * How far a download is.
 *
 * @property name the file under way.
 * @property bytes bytes that are there, those of earlier attempts included.
 * @property total bytes of all files together.
 */
public data class DownloadProgress(val name: String, val bytes: Long, val total: Long)

/** Runs a download; what `onProgress` throws stops it. Cancelling keeps what came, and the next attempt resumes it. */
internal suspend fun <T> download(
    onProgress: (DownloadProgress) -> Unit,
    call: (DownloadListener, CancelToken) -> T,
): T {
    val guard = Guard()
    val listener =
        object : DownloadListener {
            override fun onReceived(progress: NativeProgress) = guard.run {
                onProgress(DownloadProgress(progress.name, progress.bytes.toLong(), progress.total.toLong()))
            }
        }
    return blocking(Dispatchers.IO, Stop()) { token -> guard.around { call(listener, token) } }
}
