package dev.cones

import java.io.File
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.io.TempDir

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
internal class EngineTest {
    @TempDir lateinit var folder: File
    private val engine = runBlocking { Fixture.engine() }

    @AfterAll
    fun close() = engine.close()

    @Test
    fun initialize_once_and_log_to_the_host() = test {
        failing<ConesException.AlreadyInitialized> { Cones.initialize() }
        Cones.deviceReport()
        val lines = Fixture.lines.toList()
        assertTrue(lines.any { it.target.startsWith("cones_core") })
        for (line in lines.filter { it.level < LogLevel.DEBUG }) {
            assertFalse("on grass" in line.text || folder.path in line.text, line.text)
        }
    }

    @Test
    fun open_reports_the_bundle() = test {
        val info = engine.info
        assertEquals(Cones.bundleInfo(Fixture.bundle), info)
        assertEquals(Triple("toybox", 128, 128), Triple(info.name, info.width, info.height))
        assertEquals(64, info.fingerprint.length)
        Cones.verifyBundle(Fixture.bundle)
        val report = Cones.deviceReport()
        val providers = report.providers.associateBy { it.name }
        assertTrue(report.runtime != null && providers.getValue("cpu").available)
        val nnapi = providers.getValue("nnapi")
        assertTrue(!nnapi.available && nnapi.reason.isNotEmpty() && nnapi.hint.isNotEmpty())
    }

    @Test
    fun generate_draws_the_same_picture_as_the_command() = test {
        val recipe = Picture.readRecipe(Fixture.file("base.png"))
        engine.generate(recipe.request()).use {
            assertSameAsTheCommand(it.pictures.single(), "base.png", folder)
            assertEquals(recipe, it.pictures.single().recipe)
            assertTrue(it.timings.total > 0 && it.warnings.isEmpty())
        }
    }

    @Test
    fun embeddings_stand_in_the_place_of_prompts() = test {
        val size = engine.info.textLength * engine.info.contextSize
        val (dark, light) = listOf(0f, 0.5f).map { number -> PromptEmbeds(FloatArray(size) { number }) }
        val drawn = listOf(dark, light).map { prompt ->
            engine.generate(Fixture.request(1).copy(promptEmbeds = GivenEmbeds(prompt, negative = dark))).use {
                assertEquals(64, it.pictures.single().recipe?.promptEmbedsSha256?.length)
                it.pictures.single().rgba()
            }
        }
        assertFalse(drawn[0].contentEquals(drawn[1]))
        val short = GivenEmbeds(PromptEmbeds(FloatArray(size - 1)), words = mapOf("nobody" to listOf(1)))
        failing<ConesException.BadRequest> { engine.generate(Fixture.request(1).copy(promptEmbeds = short)).close() }
    }

    @Test
    fun things_apart_have_a_part_of_the_picture_each() {
        assertEquals(listOf(WordBox("{rex}", 0f, 0.25f, 0.5f, 0.75f), WordBox("a cat", 0.5f, 0.25f, 1f, 0.75f)), WordBox.apart(listOf("{rex}", "a cat")))
        assertEquals(emptyList<WordBox>(), WordBox.apart(listOf("{rex}")))
    }

    @Test
    fun words_are_drawn_in_their_boxes() = test {
        val plain = Fixture.request(2)
        val boxes = listOf(WordBox("dog", 0.5f, 0f, 1f, 1f))
        val drawn = listOf(plain, plain.copy(boxes = boxes)).map { request -> engine.generate(request).use { it.pictures.single().rgba() } }
        assertFalse(drawn[0].contentEquals(drawn[1]))
        engine.generate(plain.copy(boxes = boxes)).use { assertEquals(boxes, it.pictures.single().recipe?.boxes) }
        val absent = plain.copy(boxes = listOf(WordBox("elephant", 0f, 0f, 1f, 1f)))
        failing<ConesException.BadRequest> { engine.generate(absent).close() }
    }

    @Test
    fun progress_comes_in_order() = test {
        val seen = mutableListOf<GenerateEvent.Progress>()
        engine.generate(Fixture.request(3).copy(count = 2)) { seen += it }.close()
        val pictures = (0..1).flatMap { picture ->
            (1..3).map { GenerateEvent.Step(picture, 2, it, 3, null) } +
                listOf(GenerateEvent.Decoding(picture, 2, 3, 3), GenerateEvent.Decoded(picture, 2, 3, 3))
        }
        assertEquals(listOf(GenerateEvent.Preparing(0, 2, 0, 3)) + pictures, seen)

        // The flow tells the same, with the pictures between, and ends.
        val events = engine.events(Fixture.request(3).copy(count = 2)).toList()
        assertEquals(seen, events.filterIsInstance<GenerateEvent.Progress>())
        val places = events.indices.filter { events[it] is GenerateEvent.Drawn }
        assertEquals(listOf(0, 1), places.map { (events[it] as GenerateEvent.Drawn).index })
        assertTrue(places.all { events[it + 1] is GenerateEvent.Decoded })
        assertTrue((events.last() as GenerateEvent.Finished).generated.pictures.isEmpty())
    }

    @Test
    fun pictures_come_one_by_one() = test {
        val request = Fixture.request(2).copy(count = 3)
        val all = engine.generate(request).use { generated -> generated.pictures.map { it.rgba() } }
        val given = mutableListOf<Pair<Int, ByteArray>>()
        val generated = engine.generate(request, { index, picture -> picture.use { given += index to it.rgba() } })
        assertTrue(generated.pictures.isEmpty())
        assertEquals(listOf(0, 1, 2), given.map { it.first })
        all.zip(given).forEach { (one, other) -> assertArrayEquals(one, other.second) }

        // Who cannot take one stops the others, and has what came.
        given.clear()
        val error = failing<ConesException.ListenerFailed> {
            engine.generate(request, { index, picture ->
                check(index == 0) { "a full disk" }
                picture.use { given += index to it.rgba() }
            })
        }
        assertEquals("a full disk", error.cause?.message)
        assertArrayEquals(all.first(), given.single().second)
    }

    @Test
    fun preview_has_the_size_announced() = test {
        val info = engine.info
        val scale = checkNotNull(info.previewScale)
        val request = Fixture.request(4).copy(width = 2 * info.width, previewEvery = 2)
        val shown = engine.events(request).toList().filterIsInstance<GenerateEvent.Step>().filter { it.preview != null }
        assertEquals(listOf(2, 4), shown.map { it.step })
        for (preview in shown.mapNotNull { it.preview }) {
            assertEquals(2 * info.width / scale to info.height / scale, preview.width to preview.height)
            assertEquals(4 * preview.width * preview.height, preview.rgba.size)
        }
    }

    @Test
    fun a_throwing_listener_stops_cleanly() = test {
        val before = engine.generate(Fixture.request(3)).pixels()
        var calls = 0
        val own = IllegalArgumentException("on purpose")
        val error = failing<ConesException.ListenerFailed> {
            engine.generate(Fixture.request(3)) {
                calls += 1
                throw own
            }
        }
        assertTrue(error.cause === own && "on purpose" in error.reason, error.toString())
        assertEquals(1, calls)
        assertArrayEquals(before, engine.generate(Fixture.request(3)).pixels())

        PackStore.open(folder).use { store ->
            store.fetchCatalog(Fixture.catalog, Fixture.key).use { catalog ->
                failing<ConesException.ListenerFailed> { store.install(catalog, Fixture.PACK) { throw own } }
            }
            assertEquals(emptyList<PackInfo>(), store.list())
        }
    }

    @Test
    fun a_listener_that_calls_back_is_told_that_the_engine_is_busy() = test {
        var answers = 0
        engine.generate(Fixture.request(1)) {
            try {
                runBlocking { engine.generate(Fixture.request(1)) }
            } catch (_: ConesException.Busy) {
                answers += 1
            }
        }.close()
        assertEquals(4, answers)
    }

    @Test
    fun a_picture_of_the_host_can_be_started_from() = test {
        val rgba = engine.generate(Fixture.request(2)).pixels()
        Picture.fromRgba(128, 128, rgba).use { picture ->
            assertArrayEquals(rgba, picture.rgba())
            engine.generate(Fixture.request(4).copy(init = InitPicture(picture, 0.5f))).use {
                assertEquals(0.5f, it.pictures.single().recipe?.init?.strength)
            }
            val strip = Inpaint(feather = 2, outpaint = Margins(right = 32))
            engine.generate(Fixture.request(4).copy(init = InitPicture(picture, 1f, strip))).use {
                val wide = it.pictures.single()
                assertEquals(160 to 128, wide.width to wide.height)
                assertEquals(Margins(right = 32), wide.recipe?.init?.inpaint?.outpaint)
            }
        }
    }
}
