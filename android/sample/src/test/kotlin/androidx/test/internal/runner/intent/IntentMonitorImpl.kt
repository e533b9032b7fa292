package androidx.test.internal.runner.intent

import android.content.Intent
import androidx.test.runner.intent.IntentMonitor

public class IntentMonitorImpl : IntentMonitor {
    private val intents = mutableListOf<Intent>()

    public fun signalIntent(intent: Intent) {
        intents += intent
    }
}
