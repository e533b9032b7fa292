package dev.cones.sample

import android.app.Notification
import android.app.NotificationManager
import android.content.Context
import android.content.pm.ServiceInfo
import android.os.Looper
import dev.cones.android.ForegroundKind
import dev.cones.android.ForegroundProgress
import dev.cones.android.ForegroundService
import dev.cones.android.ForegroundStopped
import dev.cones.android.inForeground
import java.time.Duration
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.supervisorScope
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowSystemClock

/** Work in the background: what Android is told, and what the notification shows. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], manifest = Config.NONE)
public class ForegroundTest {
    private val context: Context = RuntimeEnvironment.getApplication()

    @Test
    public fun the_notification_shows_progress_and_goes_with_the_work(): Unit = runBlocking {
        val progress = CompletableDeferred<ForegroundProgress>()
        val end = CompletableDeferred<String>()
        val work = async(Dispatchers.Default) {
            inForeground(context, "Drawing", ForegroundKind.DRAWING) {
                progress.complete(it)
                end.await()
            }
        }
        progress.await()
        val asked = shadowOf(RuntimeEnvironment.getApplication()).nextStartedService
        assertEquals(ForegroundService::class.java.name, asked.component?.className)
        val service = start()
        val shown = shadowOf(service)
        assertEquals("Drawing", shown.lastForegroundNotification.extras.getString(Notification.EXTRA_TITLE))
        assertEquals(ServiceInfo.FOREGROUND_SERVICE_TYPE_MEDIA_PROCESSING, service.foregroundServiceType)

        ShadowSystemClock.advanceBy(Duration.ofSeconds(1))
        progress.await().tell(3, 4)
        shadowOf(Looper.getMainLooper()).idle()
        val notification = manager().activeNotifications.single().notification
        assertEquals(750, notification.extras.getInt(Notification.EXTRA_PROGRESS))

        end.complete("a picture")
        assertEquals("a picture", work.await())
        shadowOf(Looper.getMainLooper()).idle()
        assertTrue(shown.isStoppedBySelf && shown.isForegroundStopped)
    }

    @Test
    public fun the_button_and_the_time_limit_stop_the_work(): Unit = runBlocking {
        for (by in listOf(ForegroundStopped.By.PERSON, ForegroundStopped.By.TIME_LIMIT)) {
            val begun = CompletableDeferred<Unit>()
            var cleaned = false
            supervisorScope {
                val work = async(Dispatchers.Default) {
                    inForeground(context, "Getting a model", ForegroundKind.DOWNLOADING) {
                        begun.complete(Unit)
                        try {
                            awaitCancellation()
                        } finally {
                            cleaned = true
                        }
                    }
                }
                begun.await()
                val service = start()
                val button = shadowOf(service).lastForegroundNotification.actions.single()
                assertNotNull(button.title)
                when (by) {
                    ForegroundStopped.By.PERSON ->
                        service.onStartCommand(shadowOf(button.actionIntent).savedIntent, 0, 2)
                    else -> service.onTimeout(1, ServiceInfo.FOREGROUND_SERVICE_TYPE_DATA_SYNC)
                }
                val stopped = try {
                    work.await()
                } catch (stopped: ForegroundStopped) {
                    stopped
                }
                assertEquals(by, (stopped as ForegroundStopped).by)
                assertTrue("the block has ended", cleaned)
            }
        }
    }

    /** As Android starts it once it was asked to. */
    private fun start(): ForegroundService {
        val service = Robolectric.buildService(ForegroundService::class.java).create().startCommand(0, 1).get()
        shadowOf(Looper.getMainLooper()).idle()
        return service
    }

    private fun manager() = context.getSystemService(Context.NOTIFICATION_SERVICE) as NotificationManager
}
