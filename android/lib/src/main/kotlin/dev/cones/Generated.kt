package dev.cones

/**
 * What a request came to.
 *
 * @property pictures in the order of their seeds, without those that were handed over one by one.
 * @property warnings what a person may want to know, such as a cut prompt.
 * @property timings where the time went.
 * @property refused pictures that are not among them since they are not safe.
 */
public data class Generated(
    val pictures: List<Picture>,
    val warnings: List<String>,
    val timings: Timings,
    val refused: List<RefusedPicture> = emptyList(),
) : AutoCloseable {
    /** Closes all pictures. */
    override fun close(): Unit = pictures.forEach(Picture::close)
}

/**
 * Where the time of a request went, in seconds.
 *
 * @property total from the call to the return.
 * @property loading loading graphs, inside [total].
 * @property runtime inside ONNX Runtime's run calls, inside [total].
 * @property switching switching the subjects on.
 * @property steps U-Net calls.
 */
public data class Timings(
    val total: Double,
    val loading: Double,
    val runtime: Double,
    val switching: Double,
    val steps: Int,
)

internal fun dev.cones.generated.Generated.wrapped() =
    Generated(
        pictures.map { it.wrapped() },
        warnings,
        timings.wrapped(),
        refused.map { it.wrapped() },
    )

internal fun dev.cones.generated.Timings.wrapped() = Timings(total, loading, runtime, switching, steps.toInt())
