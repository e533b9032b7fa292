package dev.cones

/**
 * What a request will take of memory, and how it is carried out for that.
 *
 * @property mapped whether weights stay in their files; else they are converted and packed, which is faster and takes the
 *   most.
 * @property sequential whether each graph is dropped once it was used.
 * @property apart whether the branches of guidance run one after another.
 * @property peak the most bytes at any moment, beside what the process holds anyway; `null` where nothing is known.
 * @property budget bytes that there are; `null` where neither the app nor the system says.
 * @property stages what the graphs take, in their order; empty where nothing is known.
 * @property reason why it is carried out so.
 */
public data class MemoryPlan(
    val mapped: Boolean,
    val sequential: Boolean,
    val apart: Boolean,
    val peak: Long?,
    val budget: Long?,
    val stages: List<StageMemory>,
    val reason: String,
)

/**
 * What one graph takes.
 *
 * @property graph its file.
 * @property peak the most bytes at any moment while it is loaded and runs.
 * @property mapped how many of them are clean pages of files, which the system can take away.
 */
public data class StageMemory(val graph: String, val peak: Long, val mapped: Long)

internal fun dev.cones.generated.MemoryPlan.wrapped() =
    MemoryPlan(
        mapped,
        sequential,
        apart,
        peak?.toLong(),
        budget?.toLong(),
        stages.map { StageMemory(it.graph, it.peak.toLong(), it.mapped.toLong()) },
        reason,
    )
