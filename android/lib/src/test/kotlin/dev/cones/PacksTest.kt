package dev.cones

import java.io.File
import java.io.RandomAccessFile
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

internal class PacksTest {
    @TempDir lateinit var folder: File

    private suspend fun store() = PackStore.open(File(folder, "packs"))

    @Test
    fun packs_install_list_verify_remove() = test {
        store().use { store ->
            val file = Fixture.file("${Fixture.PACK}.cones")
            assertEquals(emptyList<PackInfo>(), store.list())
            val info = store.installFile(file, Fixture.bundle)
            assertEquals(Triple(Fixture.PACK, "dog", "<v1> dog"), Triple(info.name, info.subjectClass, info.trigger))
            assertEquals(PackInfo.read(file).sha256, info.sha256)
            assertEquals(listOf(info), store.list())
            assertEquals(emptyList<DamagedPack>(), store.verify())
            RandomAccessFile(info.path, "rw").use { it.write("something else".toByteArray()) }
            assertEquals(listOf(Fixture.PACK), store.verify().map { it.pack.name })
            assertTrue(store.remove(Fixture.PACK))
            assertFalse(store.remove(Fixture.PACK))
            failing<ConesException.NotFound> { store.get(Fixture.PACK) }
        }
    }

    @Test
    fun a_pack_from_a_local_catalogue_is_drawn() = test {
        val store = store()
        val catalog = store.fetchCatalog(Fixture.catalog, Fixture.key)
        assertEquals("Cones tests", catalog.info.publisher)
        assertEquals(listOf(Fixture.PACK), catalog.packs.map { it.name })
        val seen = mutableListOf<DownloadProgress>()
        val info = store.install(catalog, Fixture.PACK, Fixture.bundle) { seen += it }
        assertEquals(info.bytes to info.bytes, seen.last().bytes to seen.last().total)
        val recipe = Picture.readRecipe(Fixture.file("subject.png"))
        assertEquals(info.sha256, recipe.subjects.single().packSha256)
        val engine = Fixture.engine(packs = store)
        // An engine keeps what it needs of the store.
        catalog.close()
        store.close()
        engine.use {
            val asDrawn = recipe.request()
            // By its name in the prompt, as the command was asked.
            val named =
                Request(
                    "a {${Fixture.PACK}} on grass",
                    subjects = listOf(SubjectChoice(Fixture.PACK)),
                    steps = recipe.steps,
                    seed = recipe.seed,
                )
            // And off again, exactly.
            val base = Picture.readRecipe(Fixture.file("base.png")).request()
            for ((request, name) in listOf(asDrawn to "subject.png", named to "subject.png", base to "base.png")) {
                engine.generate(request).use { assertSameAsTheCommand(it.pictures.single(), name, folder) }
            }
        }
    }

    @Test
    fun a_base_model_from_a_local_catalogue_draws_the_same() = test {
        store().use { store ->
            val catalog = store.fetchCatalog(Fixture.catalog, Fixture.key)
            assertEquals(listOf("toybox"), catalog.bundles.map { it.name })
            BundleStore.open(File(folder, "bundles")).use { bundles ->
                // Cancelled at its first piece; what came is kept and taken up again.
                val job = launch(Dispatchers.Default) {
                    val own = coroutineContext.job
                    bundles.install(catalog, "toybox") { own.cancel() }
                }
                job.join()
                assertTrue(job.isCancelled && bundles.list().isEmpty())

                val seen = mutableListOf<DownloadProgress>()
                val path = bundles.install(catalog, "toybox") { seen += it }
                assertEquals(seen.last().total, seen.last().bytes)
                assertEquals(listOf(InstalledBundle("toybox", path)), bundles.list())
                assertEquals(path, bundles.get("toybox"))
                val request = Picture.readRecipe(Fixture.file("base.png")).request()
                Fixture.engine(path).use { engine ->
                    engine.generate(request).use { assertSameAsTheCommand(it.pictures.single(), "base.png", folder) }
                }
                assertTrue(bundles.remove("toybox"))
            }
        }
    }
}
