package dev.cones

import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Opening and closing many times: a few here, a thousand by `cargo xtask endure handles`. */
internal class EndureTest {
    @TempDir lateinit var folder: File

    private val times = System.getenv("CONES_ENDURE")?.toInt() ?: 4

    /** What the system holds for this process, as Linux tells it. */
    private data class Held(val files: Int, val mapped: Int, val threads: Int)

    private fun held(): Held {
        System.gc()
        val files = File("/proc/self/fd").list().orEmpty().size
        val mapped = File("/proc/self/maps").readLines().count { it.contains(Fixture.bundle.canonicalPath) }
        return Held(files, mapped, File("/proc/self/task").list().orEmpty().size)
    }

    private fun resident(): Double {
        val line = File("/proc/self/status").readLines().first { it.startsWith("VmRSS:") }
        return line.filter(Char::isDigit).toDouble() / 1000
    }

    @Test
    fun opens_and_closes_leave_nothing() = test(seconds = 3600) {
        if (!File("/proc/self/maps").exists()) return@test
        var before: Held? = null
        val course = mutableListOf<Double>()
        repeat(times) { round ->
            val engine = Fixture.engine()
            val picture = if (round % DRAWN == 0) engine.generate(Fixture.request(1)).pictures.single() else null
            PackStore.open(File(folder, "packs")).use { it.list() }
            BundleStore.open(File(folder, "bundles")).use { it.list() }
            picture?.close()
            engine.close()
            if (round % NOTED == 0) {
                // What nobody has collected yet is Java's, and the log that the tests keep is ours: neither is a leak.
                Fixture.lines.clear()
                System.gc()
                course += resident()
            }
            // The first rounds start threads that stay: coroutines', Java's own.
            if (round == times / 2) before = held()
        }
        val after = held()
        val settled = checkNotNull(before)
        assertEquals(settled.mapped, after.mapped, "mappings of the base model")
        assertTrue(after.files <= settled.files + FEW, "$settled, then $after")
        assertTrue(after.threads <= settled.threads + FEW, "$settled, then $after")
        val tenth = maxOf(1, course.size / 10)
        val early = course.drop(course.size / 10).take(tenth).sorted().let { it[it.size / 2] }
        val late = course.takeLast(tenth).sorted().let { it[it.size / 2] }
        if (times >= SETTLED) assertTrue(late < early * GROWTH, "resident memory grew from $early to $late MB")
        println(
            "endured\topens and closes through Kotlin\t$times; open files ${settled.files}, then ${after.files}; " +
                "mappings of the base model ${after.mapped}; threads ${settled.threads}, then ${after.threads}; " +
                "resident %.1f MB in the second tenth, %.1f MB in the last: %.3f times".format(early, late, late / early),
        )
    }

    private companion object {
        /** Every so many rounds a picture is drawn as well. */
        const val DRAWN = 4

        /** Every so many rounds memory is looked at. */
        const val NOTED = 5

        /** Java opens files and starts threads when it likes. */
        const val FEW = 4

        /** From so many rounds on a claim is made about memory. */
        const val SETTLED = 500

        /** What it may grow by: Java's own heap breathes. */
        const val GROWTH = 1.05
    }
}
