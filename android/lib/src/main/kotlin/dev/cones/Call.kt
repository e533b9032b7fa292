package dev.cones

import dev.cones.generated.CancelToken
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext

/**
 * Runs a blocking call of the library on [dispatcher].
 *
 * Cancelling the coroutine stops the call through [stop]; this returns when the call has, so whoever cancels and joins
 * finds the engine free. A result that nobody will get, for the cancelling came too late, goes to [discard].
 */
internal suspend fun <T> blocking(
    dispatcher: CoroutineDispatcher,
    stop: Stop,
    discard: (T) -> Unit = {},
    call: (CancelToken) -> T,
): T {
    // A child of the caller's job is cancelled with it at once, on the thread that cancels.
    val watch = Job(currentCoroutineContext()[Job])
    val watching = watch.invokeOnCompletion { stop.cancel() }
    var outcome: Result<T>? = null
    try {
        // Who is cancelled already does not begin.
        currentCoroutineContext().ensureActive()
        // Not cancellable: a coroutine that is cancelled must wait for the call, not leave it alone.
        withContext(NonCancellable + dispatcher) { outcome = runCatching { call(stop.token) } }
        currentCoroutineContext().ensureActive()
    } catch (cancelled: CancellationException) {
        outcome?.onSuccess(discard)
        throw cancelled
    } finally {
        watching.dispose()
        watch.complete()
        stop.close()
    }
    return checkNotNull(outcome).getOrThrow()
}

/** A `CancelToken` that may be cancelled from any thread, before and after the call that it belongs to has ended. */
internal class Stop : AutoCloseable {
    val token: CancelToken = translated { CancelToken() }
    private var over = false

    @Synchronized
    fun cancel() {
        if (!over) token.cancel()
    }

    @Synchronized
    override fun close() {
        over = true
        token.close()
    }
}

/** Keeps what the app's own listener threw, which the library can only pass on as text. */
internal class Guard {
    private var thrown: Throwable? = null

    /** Runs the app's code; throws what the library expects. */
    fun run(block: () -> Unit) {
        try {
            block()
        } catch (error: Throwable) {
            thrown = error
            throw dev.cones.generated.CallbackException.Failed(error.toString())
        }
    }

    /** Runs the call that the listener was given to. */
    inline fun <T> around(call: () -> T): T =
        try {
            call()
        } catch (error: ConesException.ListenerFailed) {
            when (val own = thrown) {
                // A listener that asks whether its coroutine is still active is not a fault.
                is CancellationException -> throw own
                else -> throw ConesException.ListenerFailed(error.reason, error.details, error.hint, own ?: error.cause)
            }
        }
}
