package androidx.test.runner.lifecycle

import android.app.Activity

public enum class Stage { PRE_ON_CREATE, CREATED, STARTED, RESUMED, PAUSED, STOPPED, RESTARTED, DESTROYED }

public enum class ApplicationStage { PRE_ON_CREATE, CREATED }

public interface ActivityLifecycleMonitor {
    public fun getLifecycleStageOf(activity: Activity): Stage?
}

public interface ApplicationLifecycleMonitor

public object ActivityLifecycleMonitorRegistry {
    private var instance: ActivityLifecycleMonitor? = null

    @JvmStatic
    public fun registerInstance(monitor: ActivityLifecycleMonitor) {
        instance = monitor
    }

    @JvmStatic
    public fun getInstance(): ActivityLifecycleMonitor = checkNotNull(instance) { "Robolectric registers it first" }
}

public object ApplicationLifecycleMonitorRegistry {
    private var instance: ApplicationLifecycleMonitor? = null

    @JvmStatic
    public fun registerInstance(monitor: ApplicationLifecycleMonitor) {
        instance = monitor
    }
}
