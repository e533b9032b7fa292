package dev.cones

import java.util.concurrent.CancellationException
import java.util.concurrent.atomic.AtomicBoolean

/** An object of the library, and whether it was closed. A call that is under way while it is closed ends as it would. */
internal class Handle<T : AutoCloseable>(private val native: T, private val what: String) : AutoCloseable {
    private val closed = AtomicBoolean()

    val isClosed: Boolean get() = closed.get()

    /** Calls the object, or says that it was closed. */
    inline fun <R> call(block: (T) -> R): R {
        if (isClosed) throw closed()
        try {
            return translated { block(native) }
        } catch (error: IllegalStateException) {
            // Closed between the question and the call. Kotlin's cancelling is an IllegalStateException too.
            throw if (isClosed && error !is CancellationException) closed() else error
        }
    }

    fun closed(): ConesException.Closed = ConesException.Closed(what)

    override fun close() {
        if (closed.compareAndSet(false, true)) native.close()
    }
}
