package dev.cones.android

import android.content.Context
import android.content.Intent
import android.os.Handler
import android.os.Looper
import android.os.SystemClock

/** One piece of work, as the notification shows it. */
internal class Work(val title: String, val kind: ForegroundKind, private val cancel: () -> Unit) : ForegroundProgress {
    @Volatile
    var done = 0L
        private set

    @Volatile
    var total = 0L
        private set

    @Volatile
    var stopped: ForegroundStopped? = null
        private set

    override fun tell(done: Long, total: Long) {
        this.done = done
        this.total = total
        Works.told()
    }

    fun stop(by: ForegroundStopped.By, cause: Throwable? = null) {
        stopped = ForegroundStopped(by, cause)
        cancel()
    }
}

/** What is under way in this process, and the service that shows it. */
internal object Works {
    private val main = Handler(Looper.getMainLooper())
    private val works = mutableListOf<Work>()
    private var service: ForegroundService? = null
    private var due = 0L

    fun all(): List<Work> = synchronized(works) { works.toList() }

    /** Starts the service; it asks for the list by itself. */
    fun begin(context: Context, work: Work) {
        synchronized(works) { works += work }
        try {
            context.startForegroundService(Intent(context, ForegroundService::class.java))
        } catch (refused: IllegalStateException) {
            // ForegroundServiceStartNotAllowedException, which Android 11 and older do not know.
            throw ForegroundStopped(ForegroundStopped.By.REFUSED, refused)
        }
    }

    fun end(work: Work) {
        synchronized(works) { works -= work }
        main.post { service?.show() }
    }

    /** Something has moved. Android drops notifications that come too fast, so most of this is not shown. */
    fun told() {
        val now = SystemClock.uptimeMillis()
        synchronized(works) {
            if (now < due) return
            due = now + INTERVAL_MS
        }
        main.post { service?.show() }
    }

    fun stop(by: ForegroundStopped.By, cause: Throwable? = null): Unit = all().forEach { it.stop(by, cause) }

    /** On the main thread, as all that a service does. */
    fun attach(service: ForegroundService) {
        this.service = service
    }

    fun detach(service: ForegroundService) {
        if (this.service === service) this.service = null
    }

    private const val INTERVAL_MS = 300L
}
