package dev.cones.sample

import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.net.Uri
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.CheckBox
import android.widget.EditText
import android.widget.GridView
import dev.cones.Cones
import dev.cones.ConesException
import dev.cones.android.toPicture
import java.io.File
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** The app's screen without a phone: Android's own views and canvas on the JVM, the real library behind them. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = SampleApp::class, manifest = Config.NONE, qualifiers = "w360dp-h720dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public class ScreenTest {
    @Test
    public fun the_screens_install_a_pack_and_draw_it() {
        try {
            Cones.initialize(System.getenv("ORT_DYLIB_PATH"))
        } catch (_: ConesException.AlreadyInitialized) {
            // By another test of this process.
        }
        val controller = Robolectric.buildActivity(MainActivity::class.java)
        val activity = controller.get()
        // On a phone it comes out of the app's assets.
        runBlocking {
            val storage = activity.studio.storage
            storage.openBundles().use { it.installFolder(File(System.getenv("CONES_BUNDLE"))) }
        }
        // The manifest's; Robolectric reads manifests only as Gradle's plugin makes them.
        activity.setTheme(android.R.style.Theme_Material_Light_NoActionBar)
        controller.setup()
        wait("ready") { activity.studio.state.value.ready }
        save(activity.window.decorView, "ready")

        // As a phone opens what a studio's QR code says.
        val (catalog, key) = listOf("CONES_CATALOG", "CONES_KEY").map { Uri.encode(System.getenv(it)) }
        controller.newIntent(Intent(Intent.ACTION_VIEW, Uri.parse("cones://catalog?url=$catalog&key=$key")))
        press(activity, "Look")
        wait("the catalogue") { button(activity, "Install") != null }
        save(activity.window.decorView, "catalogue")
        press(activity, "Install")
        wait("the pack") { button(activity, "Remove") != null }
        assertEquals(listOf("fluent-dog"), activity.studio.state.value.subjects.map { it.name })
        save(activity.window.decorView, "packs")

        press(activity, "Draw")
        activity.window.decorView.findViewWithTag<View>("fluent-dog").performClick()
        activity.requireViewById<Button>(DrawPage.BEGIN).performClick()
        val previews = mutableSetOf<Bitmap>()
        wait("a picture") {
            activity.studio.state.value.picture?.let(previews::add)
            activity.studio.state.value.run { !drawing && picture != null }
        }
        assertEquals("Done", activity.studio.state.value.status)
        assertTrue("previews come before the picture", previews.size > 1)
        save(activity.window.decorView, "drawn")

        val kept = runBlocking { activity.studio.gallery.list() }
        val recipe = runBlocking { activity.studio.gallery.recipe(kept.single().file) }
        assertEquals("fluent-dog", recipe.subjects.single().name)
        // The same colours by way of the screen and by way of the file.
        val seen = checkNotNull(activity.studio.state.value.picture).toPicture().rgba()
        assertArrayEquals(kept.single().thumbnail.toPicture().rgba(), seen)
        press(activity, "Gallery")
        val grid = find(activity.window.decorView) { it is GridView } as GridView
        wait("the gallery") { grid.childCount == 1 }
        save(activity.window.decorView, "gallery")
        controller.pause().stop().destroy()
    }

    private fun press(activity: MainActivity, words: String) {
        checkNotNull(button(activity, words)) { "there is no button `$words`" }.performClick()
        shadowOf(Looper.getMainLooper()).idle()
    }

    private fun button(activity: MainActivity, words: String): View? =
        find(activity.window.decorView) { it is Button && it !is CheckBox && it.text == words }

    private fun type(activity: MainActivity, hint: String, words: String) {
        (find(activity.window.decorView) { it is EditText && it.hint == hint } as EditText).setText(words)
    }

    private fun find(view: View, wanted: (View) -> Boolean): View? {
        if (wanted(view)) return view
        val group = view as? ViewGroup ?: return null
        return (0 until group.childCount).firstNotNullOfOrNull { find(group.getChildAt(it), wanted) }
    }

    /** The main thread is this one: lets it work while the others do. */
    private fun wait(what: String, until: () -> Boolean) {
        val end = System.nanoTime() + 60_000_000_000
        while (!until()) {
            check(System.nanoTime() < end) { "$what did not come within a minute" }
            shadowOf(Looper.getMainLooper()).idle()
            Thread.sleep(5)
        }
        shadowOf(Looper.getMainLooper()).idle()
    }

    /** What a person would see, as a PNG in `target/`. */
    private fun save(view: View, name: String) {
        // A tick that is drawn in time would be caught before it is there.
        view.jumpDrawablesToCurrentState()
        val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(bitmap))
        val file = File(System.getProperty("cones.screens"), "$name.png")
        file.parentFile.mkdirs()
        file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
        println("the screen: ${file.canonicalPath}")
    }
}
