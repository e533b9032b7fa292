package dev.cones

import dev.cones.generated.InitConfig
import dev.cones.generated.LogRecord
import dev.cones.generated.LogSink
import java.io.File
import kotlinx.coroutines.Dispatchers

/** What belongs to the whole process. */
public object Cones {
    /**
     * Sets up the log and ONNX Runtime, once per process, before anything else. Nothing needs it: without it there is no
     * log, and the runtime is looked for in the usual places. On Android `dev.cones.android.ConesAndroid.initialize`
     * does it.
     *
     * ```kotlin
     * Cones.initialize(runtimeLibrary = "libonnxruntime.so", logLevel = LogLevel.INFO) { line -> println(line.text) }
     * ```
     *
     * @param runtimeLibrary the library of ONNX Runtime: a path, or a bare name for the system's own search.
     * @param log takes every line, on whatever thread speaks; what it throws is dropped. Android's own log gets them too.
     * @throws ConesException.AlreadyInitialized the second time; nothing is changed then.
     * @throws ConesException.RuntimeMissing if [runtimeLibrary] cannot be loaded; another may be tried then.
     */
    public fun initialize(
        runtimeLibrary: String? = null,
        logLevel: LogLevel = LogLevel.WARN,
        log: ((LogLine) -> Unit)? = null,
    ) {
        val sink =
            log?.let {
                object : LogSink {
                    override fun log(record: LogRecord) = it(LogLine(record.level, record.target, record.text))
                }
            }
        translated { dev.cones.generated.initialize(InitConfig(logLevel, runtimeLibrary), sink) }
    }

    /** What this device can run, and why not the rest. Loads ONNX Runtime; its absence is part of the report. */
    public suspend fun deviceReport(): DeviceReport =
        blocking(Dispatchers.IO, Stop()) { translated { dev.cones.generated.deviceReport() }.wrapped() }

    /** What the base model in a folder says of itself. Loads no graph and no runtime. */
    public suspend fun bundleInfo(bundle: File): BundleInfo =
        blocking(Dispatchers.IO, Stop()) { translated { dev.cones.generated.bundleInfo(bundle.path) }.wrapped() }

    /**
     * Compares every file of a base model with the hashes it lists. Reads all of it: seconds for a large one, and not
     * stopped by cancelling.
     *
     * @throws ConesException.BadBundle naming the file that is not as it should be.
     */
    public suspend fun verifyBundle(bundle: File): Unit =
        blocking(Dispatchers.IO, Stop()) { translated { dev.cones.generated.verifyBundle(bundle.path) } }
}

/**
 * One line of the log.
 *
 * @property level how much it matters.
 * @property target which part speaks, as `cones_core::provider`.
 * @property text what it says.
 */
public data class LogLine(val level: LogLevel, val target: String, val text: String)
