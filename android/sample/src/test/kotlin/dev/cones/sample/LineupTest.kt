package dev.cones.sample

import dev.cones.GenerateEvent
import dev.cones.QueueEntry
import dev.cones.QueueList
import dev.cones.QueueState
import dev.cones.RefusedPicture
import dev.cones.Treatment
import dev.cones.Verdict
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

/** What the queue's page says. */
public class LineupTest {
    private val refused = RefusedPicture(0, 7u, Verdict(0.9f, 0.5f, Treatment.REFUSED))
    private val third = GenerateEvent.Step(1, 3, 5, 10, null)

    @Test
    public fun a_line_says_how_far_a_request_is() {
        val words = listOf(
            QueueEntry(1, "", QueueState.WAITING) to "Waits",
            QueueEntry(1, "", QueueState.WAITING, pictures = 9) to "Waits, 9 pictures",
            QueueEntry(1, "", QueueState.DRAWING) to "Begins",
            QueueEntry(1, "", QueueState.DRAWING, progress = GenerateEvent.Step(0, 1, 3, 20, null)) to "Step 3 of 20",
            QueueEntry(1, "", QueueState.DRAWING, pictures = 3, progress = third) to "Picture 2 of 3, Step 5 of 10",
            QueueEntry(1, "", QueueState.DONE, drawn = 1) to "Done",
            QueueEntry(1, "", QueueState.DONE, drawn = 1, refused = listOf(refused)) to "Done, 1 not shown: found not safe",
            QueueEntry(1, "", QueueState.DONE, drawn = 1, warnings = listOf("The prompt was cut.")) to "Done\nThe prompt was cut.",
            QueueEntry(1, "", QueueState.REFUSED, refused = listOf(refused)) to "Not shown: found not safe",
            QueueEntry(1, "", QueueState.CANCELLED) to "Cancelled",
            QueueEntry(1, "", QueueState.CANCELLED, pictures = 3, drawn = 2) to "Cancelled behind 2 of 3",
        )
        for ((entry, expected) in words) assertEquals(expected, words(entry))
    }

    @Test
    public fun a_line_offers_what_its_request_allows() {
        val entries = listOf(
            QueueEntry(1, "a dog", QueueState.DONE),
            QueueEntry(2, "a cat", QueueState.DRAWING, pictures = 3, progress = third),
            QueueEntry(5, "what follows the slider", QueueState.WAITING),
            QueueEntry(4, "a hat", QueueState.WAITING),
            QueueEntry(3, "a tree", QueueState.WAITING),
        )
        val lines = lines(QueueList(entries, paused = false, full = false, revision = 1), live = setOf(5))
        assertEquals(listOf(1L, 2L, 4L, 3L), lines.map { it.id })
        assertEquals(listOf(false, true, true, true), lines.map { it.canCancel })
        assertEquals(listOf(true, false, true, true), lines.map { it.canRemove })
        assertEquals("places count all that wait", listOf(null, null, 1, 2), lines.map { it.place })
        assertEquals(500, lines[1].progress)
        assertNull(lines[2].progress)
    }

    @Test
    public fun a_bar_goes_over_all_pictures_of_a_request() {
        val shares = (0..2).flatMap { picture -> (0..4).map { share(GenerateEvent.Step(picture, 3, it, 4, null)) } }
        assertEquals(0, shares.first())
        assertEquals(1000, shares.last())
        assertTrue(shares.zipWithNext().all { (one, next) -> one <= next })
        assertEquals("before anything is known", 0, share(GenerateEvent.Preparing(0, 0, 0, 0)))
    }
}
