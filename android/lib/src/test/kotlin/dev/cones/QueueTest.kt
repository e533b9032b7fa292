package dev.cones

import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
internal class QueueTest {
    private val engine = runBlocking { Fixture.engine() }

    @AfterAll
    fun close() = engine.close()

    @Test
    fun a_queue_draws_in_order_and_an_error_stops_no_other() = test {
        val alone = engine.generate(Fixture.request(3)).pixels()
        engine.queue(QueueOptions(paused = true)).use { queue ->
            val single = queue.add(Fixture.request(3))
            val broken = queue.add(Fixture.request(0))
            val pair = queue.add(Fixture.request(2).copy(count = 2))
            queue.moveTo(pair, 0)
            queue.remove(queue.add(Fixture.request(1)))
            val waiting = queue.list.first { it.entries.size == 3 && it.entries.first().id == pair }
            assertTrue(waiting.paused && waiting.entries.all { it.state == QueueState.WAITING })
            queue.resume()
            val failed = queue.await(broken)
            assertEquals(QueueState.FAILED, failed.state)
            assertEquals("steps", (failed.failure as ConesException.BadRequest).details)
            assertEquals(listOf(pair, single, broken), queue.list.value.entries.map { it.id })
            assertEquals(2, queue.await(pair).ready)
            assertEquals(listOf(7uL, 8uL), queue.take(pair).map { picture -> picture.use { it.recipe?.seed } })
            assertTrue(queue.take(pair).isEmpty(), "given once")
            assertArrayEquals(alone, queue.take(single).single().use { it.rgba() })
        }
    }

    @Test
    fun what_is_being_drawn_shows_its_progress_and_can_be_cancelled() = test {
        val alone = engine.generate(Fixture.request(2)).pixels()
        engine.queue().use { queue ->
            val long = queue.add(Fixture.request(900).copy(previewEvery = 1))
            val next = queue.add(Fixture.request(2))
            val drawing = queue.list.first { it.entry(long)?.preview != null }.entry(long)
            assertEquals(QueueState.DRAWING, drawing?.state)
            assertEquals(900, drawing?.progress?.steps)
            failing<ConesException.BadRequest> { queue.remove(long) }
            assertTrue(queue.cancel(long))
            val stopped = queue.await(long)
            assertEquals(QueueState.CANCELLED, stopped.state)
            assertNull(stopped.progress)
            assertFalse(queue.cancel(long))
            queue.await(next)
            assertArrayEquals(alone, queue.take(next).single().use { it.rgba() })
            queue.remove(long)
            failing<ConesException.NotFound> { queue.await(long) }
        }
    }

    @Test
    fun close_stops_the_queue_and_leaves_the_engine() = test {
        val queue = engine.queue()
        val ids = List(3) { queue.add(Fixture.request(900)) }
        queue.list.first { it.entry(ids[0])?.progress != null }
        queue.close()
        val last = queue.list.first { list -> list.entries.all { it.isOver } }
        assertEquals(List(3) { QueueState.CANCELLED }, last.entries.map { it.state })
        failing<ConesException.Closed> { queue.add(Fixture.request(1)) }
        engine.generate(Fixture.request(1)).close()
        failing<ConesException.BadRequest> { engine.queue(QueueOptions(mostEntries = 0)) }
    }
}
