package dev.cones

import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

internal class ErrorsTest {
    @TempDir lateinit var folder: File

    @Test
    fun errors_tell_their_kind() = test {
        val bundle = failing<ConesException.BadBundle> { Engine.open(folder) }
        assertTrue(folder.path in bundle.details && bundle.reason.isNotEmpty() && bundle.hint.isNotEmpty())
        assertTrue(bundle.reason in bundle.message.orEmpty() && bundle.details in bundle.message.orEmpty())
        Fixture.engine().use { engine ->
            assertEquals("steps", failing<ConesException.BadRequest> { engine.generate(Fixture.request(0)) }.details)
            // What the library's numbers without a sign could not even say.
            assertEquals("steps", failing<ConesException.BadRequest> { engine.generate(Fixture.request(-1)) }.details)
            val subjects = listOf(SubjectChoice(Fixture.PACK))
            val without = failing<ConesException.BadRequest> {
                engine.generate(Fixture.request(1).copy(subjects = subjects))
            }
            assertEquals("subjects", without.details)
        }
        failing<ConesException.ProviderUnavailable> {
            Engine.open(Fixture.bundle, options = EngineOptions(provider = Provider.NNAPI))
        }
        // Nobody is to believe that somebody looks.
        val unseen = failing<ConesException.BadRequest> {
            Engine.open(Fixture.bundle, options = EngineOptions(safety = SafetyPolicy.REFUSE))
        }
        assertEquals("safety", unseen.details)
        failing<ConesException.Io> { Picture.open(File(folder, "nothing.png")) }
        failing<ConesException.BadPicture> { Picture.readRecipe(Fixture.file("${Fixture.PACK}.cones")) }
        PackStore.open(File(folder, "packs")).use { store ->
            failing<ConesException.BadPack> { store.installFile(Fixture.file("base.png")) }
            failing<ConesException.Untrusted> { store.fetchCatalog(Fixture.catalog, "no key") }
            failing<ConesException.Network> { store.fetchCatalog(Fixture.catalog + ".nothing", Fixture.key) }
            failing<ConesException.NotFound> { store.get(Fixture.PACK) }
        }
    }
}
