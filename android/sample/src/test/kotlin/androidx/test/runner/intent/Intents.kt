package androidx.test.runner.intent

import android.app.Instrumentation
import android.content.Intent

public interface IntentMonitor

public fun interface IntentStubber {
    public fun getActivityResultForIntent(intent: Intent): Instrumentation.ActivityResult?
}

public object IntentMonitorRegistry {
    private var instance: IntentMonitor? = null

    @JvmStatic
    public fun registerInstance(monitor: IntentMonitor) {
        instance = monitor
    }
}

/** Nobody answers for other activities here. */
public object IntentStubberRegistry {
    @JvmStatic
    public fun isLoaded(): Boolean = false

    @JvmStatic
    public fun getInstance(): IntentStubber = error("there is none")
}
