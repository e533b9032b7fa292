package dev.cones

/**
 * What this device can run, and why not the rest.
 *
 * @property runtime ONNX Runtime's description of its build; `null` if it cannot be loaded.
 * @property memory bytes of memory that this process can take; `null` where the system does not say.
 * @property providers every provider.
 */
public data class DeviceReport(val runtime: String?, val memory: Long?, val providers: List<ProviderReport>)

/**
 * One provider.
 *
 * @property provider which one.
 * @property name its name, as `xnnpack`.
 * @property available whether it can be used here.
 * @property reason why not; empty if it can.
 * @property hint what to do about it; empty if it can be used.
 */
public data class ProviderReport(
    val provider: Provider,
    val name: String,
    val available: Boolean,
    val reason: String,
    val hint: String,
)

internal fun dev.cones.generated.DeviceReport.wrapped() =
    DeviceReport(
        runtime,
        memory?.toLong(),
        providers.map { ProviderReport(it.provider, it.name, it.available, it.reason, it.hint) },
    )
