package dev.cones

import java.io.File
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.supervisorScope
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

internal class CloseTest {
    @TempDir lateinit var folder: File

    @Test
    fun close_and_use_after_close() = test {
        val engine = Fixture.engine()
        val picture = engine.generate(Fixture.request(1)).pictures.single()
        engine.close()
        engine.close()
        assertEquals("the engine", failing<ConesException.Closed> { engine.generate(Fixture.request(1)) }.details)
        failing<ConesException.Closed> { engine.events(Fixture.request(1)).toList() }
        assertEquals("toybox", engine.info.name)
        // Pictures outlive their engine.
        assertEquals(4 * 128 * 128, picture.rgba().size)
        picture.close()
        assertEquals("the picture", failing<ConesException.Closed> { picture.rgba() }.details)
        failing<ConesException.Closed> { picture.save(File(folder, "closed.png")) }

        val store = PackStore.open(File(folder, "packs"))
        val catalog = store.fetchCatalog(Fixture.catalog, Fixture.key)
        catalog.close()
        assertEquals("the catalogue", failing<ConesException.Closed> { store.install(catalog, Fixture.PACK) }.details)
        assertEquals(listOf(Fixture.PACK), catalog.packs.map { it.name })
        store.close()
        failing<ConesException.Closed> { store.list() }
        failing<ConesException.Closed> { Fixture.engine(packs = store) }
        val bundles = BundleStore.open(File(folder, "bundles"))
        bundles.close()
        failing<ConesException.Closed> { bundles.list() }
    }

    @Test
    fun close_stops_what_is_being_drawn() = test {
        val engine = Fixture.engine()
        val begun = CompletableDeferred<Unit>()
        supervisorScope {
            val drawing = async(Dispatchers.Default) { engine.generate(Fixture.request(900)) { begun.complete(Unit) } }
            val waiting = async(Dispatchers.Default) {
                begun.await()
                engine.generate(Fixture.request(900))
            }
            begun.await()
            engine.close()
            failing<ConesException.Closed> { drawing.await() }
            failing<ConesException.Closed> { waiting.await() }
        }
    }
}
