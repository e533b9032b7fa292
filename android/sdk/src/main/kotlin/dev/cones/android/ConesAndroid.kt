package dev.cones.android

import dev.cones.Cones
import dev.cones.ConesException
import dev.cones.LogLevel

/** Cones on Android. */
public object ConesAndroid {
    /** What the AAR of `com.microsoft.onnxruntime:onnxruntime-android` brings; the system finds it in the APK by this name. */
    public const val RUNTIME_LIBRARY: String = "libonnxruntime.so"

    /**
     * Loads the native libraries and sets up the log (tag `cones`). Once per process, before anything else; further calls
     * do nothing, so that an activity and a service can both make sure of it.
     *
     * It takes some tens of milliseconds: call it off the main thread.
     *
     * ```kotlin
     * scope.launch(Dispatchers.IO) {
     *     ConesAndroid.initialize()
     *     val engine = Engine.open(Storage(context).openBundles().use { it.get("toybox") })
     * }
     * ```
     *
     * @throws ConesException.LibraryMissing if the APK has no `libcones.so` for this device.
     * @throws ConesException.RuntimeMissing if it has no [runtimeLibrary], or one that is too old.
     */
    public fun initialize(logLevel: LogLevel = LogLevel.WARN, runtimeLibrary: String = RUNTIME_LIBRARY) {
        try {
            Cones.initialize(runtimeLibrary, logLevel)
        } catch (_: ConesException.AlreadyInitialized) {
            // By an earlier call; nothing is to be done twice.
        }
    }
}
