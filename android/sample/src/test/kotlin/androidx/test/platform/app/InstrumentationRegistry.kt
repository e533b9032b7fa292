package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

public object InstrumentationRegistry {
    private var instance: Instrumentation? = null

    /** With `null` between two tests. */
    @JvmStatic
    public fun registerInstance(instrumentation: Instrumentation?, @Suppress("UNUSED_PARAMETER") arguments: Bundle?) {
        instance = instrumentation
    }

    @JvmStatic
    public fun getInstrumentation(): Instrumentation = checkNotNull(instance) { "Robolectric registers it first" }
}
