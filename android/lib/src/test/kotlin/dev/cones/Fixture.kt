package dev.cones

import java.io.File
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertArrayEquals

/** What `cargo xtask test-bindings` gives to the tests of every language; see xtask/src/host/mod.rs. */
internal object Fixture {
    val bundle = File(variable("CONES_BUNDLE"))
    val catalog = variable("CONES_CATALOG")
    val key = variable("CONES_KEY")
    const val PACK = "fluent-dog"

    /** Every line that the library logged. */
    val lines: MutableList<LogLine> = java.util.Collections.synchronizedList(mutableListOf())

    init {
        // A log that fails each time, after it has kept the line: nothing may come of that.
        Cones.initialize(variable("ORT_DYLIB_PATH"), LogLevel.DEBUG) { line ->
            lines += line
            error("a full disk")
        }
    }

    fun file(name: String) = File(variable("CONES_FIXTURE"), name)

    /** One thread, as the command was told: what shares two cores with others waits less. */
    suspend fun engine(bundle: File = Fixture.bundle, packs: PackStore? = null): Engine =
        Engine.open(bundle, packs, EngineOptions(threads = 1))

    fun request(steps: Int) = Request("a dog on grass", steps = steps, seed = 7u)

    private fun variable(name: String): String =
        checkNotNull(System.getenv(name)) { "$name is not set: run the tests by `cargo xtask test-bindings`" }
}

/** A test's coroutine. What hangs fails; the time is for a machine that does other things, too. */
internal fun test(seconds: Int = 60, body: suspend CoroutineScope.() -> Unit): Unit =
    runBlocking { withTimeout(1000L * seconds, body) }

/** The pixels of the first picture; closes all. */
internal fun Generated.pixels(): ByteArray = use { it.pictures.first().rgba() }

/** The request that a recipe came from. */
internal fun Recipe.request(): Request =
    Request(
        prompt = typedPrompt,
        negativePrompt = typedNegativePrompt,
        subjects = subjects.map { SubjectChoice(it.name, it.strength, Scope.valueOf(it.scope.uppercase())) },
        steps = steps,
        guidance = guidance,
        seed = seed,
        width = width,
        height = height,
        promptWeights = promptWeights,
        variation = variation,
        hires = hires,
        microConditions = microConditions,
    )

/** Compares with what `cones generate` wrote: the file's bytes and the pixels. */
internal suspend fun assertSameAsTheCommand(drawn: Picture, name: String, folder: File) {
    val saved = File(folder, name)
    drawn.save(saved)
    assertArrayEquals(Fixture.file(name).readBytes(), saved.readBytes(), "$name as a file")
    Picture.open(Fixture.file(name)).use { assertArrayEquals(it.rgba(), drawn.rgba(), "$name as pixels") }
}

/** The error of that class, which must come. */
internal suspend inline fun <reified E : Throwable> failing(crossinline body: suspend () -> Unit): E {
    try {
        body()
    } catch (error: Throwable) {
        return error as? E ?: throw AssertionError("${E::class.simpleName} was expected", error)
    }
    throw AssertionError("${E::class.simpleName} was expected, and nothing was thrown")
}
