package dev.cones

import com.sun.jna.Library
import com.sun.jna.Native
import com.sun.jna.Structure
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test

internal class MemoryTest {
    @Test
    fun many_generations_do_not_grow_memory() = test(seconds = 200) {
        val heap = Heap.find()
        assumeTrue(heap != null, "the C library does not count its heap")
        val kept = mutableListOf<Generated>()
        Fixture.engine().use { engine ->
            suspend fun growth(times: Int, keep: Boolean): Long {
                val before = heap!!.liveBytes()
                for (seed in 0 until times) {
                    val request = Request("a dog on grass", steps = 1, guidance = 1f, width = SIDE, height = SIDE)
                    val generated = engine.generate(request.copy(seed = seed.toULong(), previewEvery = 1)) {}
                    if (keep) kept += generated else generated.close()
                }
                return heap.liveBytes() - before
            }
            // What Java keeps for itself, it has by then; and the pictures are large enough to stand out.
            growth(30, keep = false)
            val picture = 3L * SIDE * SIDE
            val keeping = growth(50, keep = true)
            kept.forEach(Generated::close)
            val closing = growth(200, keep = false)
            println("live native heap: 50 generations kept took $keeping bytes, 200 closed left $closing")
            // Half of it leaves room for what Java gives back meanwhile.
            assertTrue(keeping > 50 * picture / 2, "what is kept is seen: $keeping")
            assertTrue(closing < 50 * picture, "what is closed is gone: $closing")
        }
    }

    private companion object {
        const val SIDE = 128
    }
}

/** glibc's count of its heap. Resident memory would say less: free room inside the heap hides a leak. */
internal class Heap private constructor(private val libc: LibC) {
    /**
     * What is allocated and not freed. The least of a few counts: Java's compiler, which works in the same heap beside us,
     * takes some hundred kilobytes for a moment and gives them back.
     */
    fun liveBytes(): Long = (1..5).minOf {
        System.gc()
        Thread.sleep(50)
        val counted = libc.mallinfo2()
        counted.uordblks + counted.hblkhd
    }

    companion object {
        /** `null` where the C library is another one. */
        fun find(): Heap? =
            try {
                Heap(Native.load(null as String?, LibC::class.java)).apply { liveBytes() }
            } catch (_: UnsatisfiedLinkError) {
                null
            }
    }
}

internal interface LibC : Library {
    fun mallinfo2(): Mallinfo2
}

/** `struct mallinfo2`, returned by value. */
@Structure.FieldOrder(
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
)
internal class Mallinfo2 : Structure(), Structure.ByValue {
    @JvmField var arena = 0L
    @JvmField var ordblks = 0L
    @JvmField var smblks = 0L
    @JvmField var hblks = 0L
    @JvmField var hblkhd = 0L
    @JvmField var usmblks = 0L
    @JvmField var fsmblks = 0L
    @JvmField var uordblks = 0L
    @JvmField var fordblks = 0L
    @JvmField var keepcost = 0L
}
