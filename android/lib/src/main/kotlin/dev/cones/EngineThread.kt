package dev.cones

import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher

/**
 * The one thread of an engine. It ends when it has had nothing to do for a while, and starts again when it has: so it needs no
 * closing, and a call that comes while its engine is closed still gets an answer.
 */
internal class EngineThread {
    @Volatile
    private var thread: Thread? = null

    private val executor =
        ThreadPoolExecutor(1, 1, IDLE_SECONDS, TimeUnit.SECONDS, LinkedBlockingQueue()) { work ->
            Thread(work, "cones-engine-${NUMBER.incrementAndGet()}").apply {
                // An engine that is drawing must not keep a program alive that wants to end.
                isDaemon = true
                thread = this
            }
        }.apply { allowCoreThreadTimeOut(true) }

    val dispatcher: CoroutineDispatcher = executor.asCoroutineDispatcher()

    /** Whether this code runs on it: only a listener does. */
    val isCurrent: Boolean get() = Thread.currentThread() === thread

    private companion object {
        const val IDLE_SECONDS = 5L
        val NUMBER = AtomicInteger()
    }
}
