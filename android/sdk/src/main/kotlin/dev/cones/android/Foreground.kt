package dev.cones.android

import android.content.Context
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive

/** What the work is, which Android wants to know. */
public enum class ForegroundKind {
    /** Drawing pictures. Android 15 and later allow six hours of it a day while the app is not on screen. */
    DRAWING,

    /** Getting packs and models. Android 15 and later allow six hours of it a day while the app is not on screen. */
    DOWNLOADING,
}

/** How far the work is, for the notification. May be told as often as one likes, from any thread. */
public interface ForegroundProgress {
    /** [done] of [total], in any unit; a [total] of 0 if nobody knows. */
    public fun tell(done: Long, total: Long)
}

/** The work was stopped from outside the app. */
public class ForegroundStopped internal constructor(
    /** By whom. */
    public val by: By,
    cause: Throwable? = null,
) : Exception(by.text, cause) {
    /** Who stops work. */
    public enum class By(internal val text: String) {
        /** The person, with the notification's button. */
        PERSON("cancelled in the notification"),

        /** Android, after its daily limit. */
        TIME_LIMIT("Android's daily limit for work in the background is used up; go on with the app on screen"),

        /** Android, at the start: the app was not on screen, or the manifest lacks a permission. */
        REFUSED("Android did not let work in the background begin; begin it while the app is on screen"),
    }
}

/**
 * Runs [block] while a foreground service shows a notification with progress and a button to cancel, so that Android keeps
 * the process when the person leaves the app.
 *
 * It runs in the caller's coroutine: use a scope that lives as long as the process, not an activity's. Begin while the app
 * is on screen. Several may run at once; they share the notification. Without the permission `POST_NOTIFICATIONS`
 * everything works, and the notification is only seen in the task manager of Android 13 and later.
 *
 * ```kotlin
 * applicationScope.launch {
 *     inForeground(context, "Drawing", ForegroundKind.DRAWING) { progress ->
 *         engine.generate(request) { progress.tell(it.step.toLong(), it.steps.toLong()) }
 *     }
 * }
 * ```
 *
 * @param title the notification's first line; say nothing private in it, a locked screen may show it.
 * @throws ForegroundStopped if it was stopped from outside. The block was cancelled then, and has ended.
 */
public suspend fun <T> inForeground(
    context: Context,
    title: String,
    kind: ForegroundKind,
    block: suspend (ForegroundProgress) -> T,
): T = coroutineScope {
    lateinit var work: Work
    val running = async(start = CoroutineStart.LAZY) { block(work) }
    work = Work(title, kind) { running.cancel() }
    try {
        Works.begin(context.applicationContext, work)
        running.await()
    } catch (cancelled: CancellationException) {
        // The caller's own cancelling, or a stop from outside, which cancels the block alone.
        currentCoroutineContext().ensureActive()
        throw work.stopped ?: cancelled
    } finally {
        Works.end(work)
    }
}
