package dev.cones

import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
internal class CancelTest {
    private val engine = runBlocking { Fixture.engine() }

    @AfterAll
    fun close() = engine.close()

    @Test
    fun cancel_stops_within_a_step_and_leaves_the_engine_usable() = test {
        val before = engine.generate(Fixture.request(3)).pixels()
        val begun = CompletableDeferred<Unit>()
        val late = AtomicInteger()
        val job = launch(Dispatchers.Default) {
            val own = coroutineContext.job
            engine.generate(Fixture.request(900)) {
                if (own.isCancelled) late.incrementAndGet()
                if (it.step == 2) begun.complete(Unit)
            }
        }
        begun.await()
        job.cancelAndJoin()
        // The step that was ending, at the most. And joined means over: nothing comes any more.
        val told = late.get()
        assertTrue(told <= 1, "$told steps after the cancelling")
        assertArrayEquals(before, engine.generate(Fixture.request(3)).pixels())
        assertEquals(told, late.get())
    }

    @Test
    fun a_timeout_and_a_collector_that_leaves_stop_the_engine() = test {
        val before = engine.generate(Fixture.request(3)).pixels()
        failing<TimeoutCancellationException> { withTimeout(100) { engine.generate(Fixture.request(900)) } }
        val step = engine.events(Fixture.request(900)).first { it is GenerateEvent.Step } as GenerateEvent.Step
        assertEquals(1 to 900, step.step to step.steps)
        assertArrayEquals(before, engine.generate(Fixture.request(3)).pixels())
    }

    @Test
    fun who_waits_for_the_engine_can_leave_at_once() = test {
        val steps = AtomicInteger()
        val begun = CompletableDeferred<Unit>()
        val drawing = launch(Dispatchers.Default) {
            engine.generate(Fixture.request(900)) {
                steps.set(it.step)
                begun.complete(Unit)
            }
        }
        begun.await()
        val waiting = launch(start = CoroutineStart.UNDISPATCHED) { engine.generate(Fixture.request(1)) }
        waiting.cancelAndJoin()
        assertTrue(drawing.isActive && steps.get() < 900)
        drawing.cancelAndJoin()
    }

    @Test
    fun a_listener_may_ask_whether_its_coroutine_is_active() = test {
        val job = launch(Dispatchers.Default) {
            val own = coroutineContext.job
            engine.generate(Fixture.request(900)) {
                if (it.step == 2) own.cancel()
                own.ensureActive()
            }
        }
        job.join()
        assertTrue(job.isCancelled)
    }

    @Test
    fun coroutines_queue_and_draw_what_they_would_draw_alone() = test {
        val requests = (0..2).map { Fixture.request(2).copy(guidance = 1f + it) }
        val alone = requests.map { engine.generate(it).pixels() }
        val drawn = requests.map { async(Dispatchers.Default) { engine.generate(it).pixels() } }.awaitAll()
        alone.zip(drawn).forEach { (one, other) -> assertArrayEquals(one, other) }
    }
}
