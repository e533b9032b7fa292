package dev.cones.android

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.app.Service
import android.content.Intent
import android.content.pm.ServiceInfo
import android.os.Build
import android.os.IBinder

/** Keeps the process while [inForeground] runs, and shows how far it is. Apps never call it themselves. */
public class ForegroundService : Service() {
    private var lastStart = 0

    override fun onBind(intent: Intent?): IBinder? = null

    override fun onCreate() {
        super.onCreate()
        val name = applicationInfo.loadLabel(packageManager)
        // Low: it is seen, and makes no sound.
        val channel = NotificationChannel(CHANNEL, name, NotificationManager.IMPORTANCE_LOW)
        manager().createNotificationChannel(channel)
        Works.attach(this)
    }

    override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int {
        lastStart = startId
        if (intent?.action == CANCEL) Works.stop(ForegroundStopped.By.PERSON)
        // Whatever came: who was started as a foreground service must become one within seconds.
        enter()
        show()
        // Work lives in this process; there is nothing to take up again after its death.
        return START_NOT_STICKY
    }

    /** Android 15 and later: the day's hours are used up, and a service that goes on is a crash. */
    override fun onTimeout(startId: Int, fgsType: Int) {
        Works.stop(ForegroundStopped.By.TIME_LIMIT)
        leave()
    }

    override fun onDestroy() {
        Works.detach(this)
        super.onDestroy()
    }

    /** Brings the notification up to date, or ends when nothing is left. On the main thread. */
    internal fun show() {
        val works = Works.all()
        if (works.isEmpty()) leave() else manager().notify(NOTIFICATION, notification(works))
    }

    private fun enter() {
        val works = Works.all()
        try {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
                startForeground(NOTIFICATION, notification(works), types(works))
            } else {
                startForeground(NOTIFICATION, notification(works))
            }
        } catch (refused: IllegalStateException) {
            // The app left the screen before this ran, or the day's hours are used up.
            Works.stop(ForegroundStopped.By.REFUSED, refused)
        } catch (refused: SecurityException) {
            Works.stop(ForegroundStopped.By.REFUSED, refused)
        }
    }

    private fun leave() {
        stopForeground(STOP_FOREGROUND_REMOVE)
        // Not if somebody has asked for it again meanwhile.
        stopSelf(lastStart)
    }

    private fun types(works: List<Work>): Int {
        val drawing =
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.VANILLA_ICE_CREAM) {
                ServiceInfo.FOREGROUND_SERVICE_TYPE_MEDIA_PROCESSING
            } else {
                ServiceInfo.FOREGROUND_SERVICE_TYPE_DATA_SYNC
            }
        val types = works.map {
            when (it.kind) {
                ForegroundKind.DRAWING -> drawing
                ForegroundKind.DOWNLOADING -> ServiceInfo.FOREGROUND_SERVICE_TYPE_DATA_SYNC
            }
        }
        // Of none if it has ended already; then any will do for the moment.
        return types.fold(0, Int::or).takeIf { it != 0 } ?: drawing
    }

    private fun notification(works: List<Work>): Notification {
        val builder =
            Notification.Builder(this, CHANNEL)
                .setSmallIcon(android.R.drawable.stat_notify_sync)
                .setCategory(Notification.CATEGORY_PROGRESS)
                .setOngoing(true)
                .setOnlyAlertOnce(true)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
            // Otherwise Android waits ten seconds for work that may be short; a person who leaves wants to see it.
            builder.setForegroundServiceBehavior(Notification.FOREGROUND_SERVICE_IMMEDIATE)
        }
        packageManager.getLaunchIntentForPackage(packageName)?.let { launch ->
            builder.setContentIntent(PendingIntent.getActivity(this, 0, launch, PendingIntent.FLAG_IMMUTABLE))
        }
        val work = works.firstOrNull() ?: return builder.build()
        builder.setContentTitle(work.title)
        if (works.size > 1) builder.setSubText("+${works.size - 1}")
        builder.setProgress(SCALE, if (work.total > 0) (SCALE * work.done / work.total).toInt() else 0, work.total <= 0)
        val cancel = Intent(this, ForegroundService::class.java).setAction(CANCEL)
        val press = PendingIntent.getService(this, 1, cancel, PendingIntent.FLAG_IMMUTABLE)
        builder.addAction(Notification.Action.Builder(null, getText(android.R.string.cancel), press).build())
        return builder.build()
    }

    private fun manager() = getSystemService(NOTIFICATION_SERVICE) as NotificationManager

    private companion object {
        const val CHANNEL = "cones"
        const val CANCEL = "dev.cones.android.CANCEL"
        const val NOTIFICATION = 0x636f6e65
        const val SCALE = 1000
    }
}
