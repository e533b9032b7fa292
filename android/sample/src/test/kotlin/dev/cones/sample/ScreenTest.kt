package dev.cones.sample

import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.net.Uri
import android.os.Looper
import android.view.MotionEvent
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.CheckBox
import android.widget.EditText
import android.widget.GridView
import android.widget.SeekBar
import dev.cones.Cones
import dev.cones.ConesException
import dev.cones.MemoryMode
import dev.cones.QueueState
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
        wait(activity, "ready") { activity.studio.state.value.ready }
        save(activity.window.decorView, "ready")

        // As a phone opens what a studio's QR code says.
        val (catalog, key) = listOf("CONES_CATALOG", "CONES_KEY").map { Uri.encode(System.getenv(it)) }
        controller.newIntent(Intent(Intent.ACTION_VIEW, Uri.parse("cones://catalog?url=$catalog&key=$key")))
        press(activity, "Look")
        wait(activity, "the catalogue") { button(activity, "Install") != null }
        save(activity.window.decorView, "catalogue")
        press(activity, "Install")
        wait(activity, "the pack") { button(activity, "Remove") != null }
        assertEquals(listOf("fluent-dog"), activity.studio.state.value.subjects.map { it.name })
        save(activity.window.decorView, "packs")

        press(activity, "Draw")
        activity.window.decorView.findViewWithTag<View>("fluent-dog").performClick()
        activity.requireViewById<Button>(DrawPage.BEGIN).performClick()
        val previews = mutableSetOf<Bitmap>()
        wait(activity, "a picture") {
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
        wait(activity, "the gallery") { grid.childCount == 1 }
        save(activity.window.decorView, "gallery")

        paint(activity)
        slide(activity, activity.requireViewById(PhotoPage.STRENGTH))
        press(activity, "Draw")
        slide(activity, activity.window.decorView.findViewWithTag("fluent-dog strength"))
        place(activity)
        line(activity)
        choose(activity)
        controller.pause().stop().destroy()
    }

    /** A finger paints on the last picture, and what it painted is drawn anew. */
    private fun paint(activity: MainActivity) {
        press(activity, "Photo")
        press(activity, "The last picture")
        val photo = activity.requireViewById<MaskView>(PhotoPage.PHOTO)
        val shown = checkNotNull(activity.studio.state.value.photo)
        stroke(photo, shown)
        assertTrue(!shown.mask.isEmpty)
        press(activity, "Undo")
        assertTrue(shown.mask.isEmpty)
        stroke(photo, shown)
        save(activity.window.decorView, "painted")
        val before = activity.studio.state.value.gallery
        activity.requireViewById<Button>(PhotoPage.BEGIN).performClick()
        wait(activity, "what was drawn over") { activity.studio.state.value.run { !drawing && gallery > before } }
        save(activity.window.decorView, "drawn-over")
        val newest = runBlocking { activity.studio.gallery.list() }.first()
        assertTrue(runBlocking { activity.studio.gallery.recipe(newest.file) }.init?.inpaint?.maskImageSha256 != null)
        // Far from the finger it is the photo to the byte; under it it is not.
        val (old, new) = listOf(shown.bitmap, newest.thumbnail).map { it.toPicture().rgba().toList() }
        val row = 4 * shown.bitmap.width
        assertEquals(old.take(row), new.take(row))
        assertEquals(old.takeLast(row), new.takeLast(row))
        val middle = shown.bitmap.height / 2 * row
        assertTrue(old.subList(middle, middle + row) != new.subList(middle, middle + row))
        press(activity, "Clear")
        assertTrue(shown.mask.isEmpty)
    }

    /** A finger says where the subject is to be, and it is drawn there; a touch takes that back. */
    private fun place(activity: MainActivity) {
        activity.window.decorView.findViewWithTag<View>("fluent-dog place").performClick()
        val picture = activity.requireViewById<BoxView>(DrawPage.PICTURE)
        val fit = Fit(picture.width, picture.height, 128, 128)
        val at = { x: Int, y: Int -> fit.left + fit.scale * x to fit.top + fit.scale * y }
        val (from, to) = at(64, 0) to at(160, 128)
        touch(picture, MotionEvent.ACTION_DOWN, from.first, from.second)
        touch(picture, MotionEvent.ACTION_MOVE, at(100, 60).first, at(100, 60).second)
        touch(picture, MotionEvent.ACTION_UP, to.first, to.second)
        save(activity.window.decorView, "placed")
        val draw = { what: String ->
            val before = activity.studio.state.value.gallery
            activity.requireViewById<Button>(DrawPage.BEGIN).performClick()
            wait(activity, what) { activity.studio.state.value.run { !drawing && gallery > before } }
            val newest = runBlocking { activity.studio.gallery.list() }.first()
            runBlocking { activity.studio.gallery.recipe(newest.file) }.boxes
        }
        val box = draw("a picture with the subject in its place").single()
        assertEquals("{fluent-dog}", box.words)
        for ((side, expected) in listOf(box.left to 0.5f, box.top to 0f, box.right to 1f, box.bottom to 1f)) assertEquals(expected, side, 0.02f)
        save(activity.window.decorView, "drawn-in-place")
        for (action in listOf(MotionEvent.ACTION_DOWN, MotionEvent.ACTION_UP)) touch(picture, action, from.first, from.second)
        assertTrue(draw("a picture without").isEmpty())
    }

    /** From a third to two thirds of the photo, at half its height. */
    private fun stroke(view: MaskView, photo: Photo) {
        val fit = Fit(view.width, view.height, photo.bitmap.width, photo.bitmap.height)
        val y = fit.top + fit.scale * photo.bitmap.height / 2
        val x = { share: Float -> fit.left + fit.scale * photo.bitmap.width * share }
        touch(view, MotionEvent.ACTION_DOWN, x(0.34f), y)
        touch(view, MotionEvent.ACTION_MOVE, x(0.5f), y)
        touch(view, MotionEvent.ACTION_MOVE, x(0.66f), y)
        touch(view, MotionEvent.ACTION_UP, x(0.66f), y)
        shadowOf(Looper.getMainLooper()).idle()
    }

    /** A slider that moves draws anew, the last of its places to the end, and keeps nothing. */
    private fun slide(activity: MainActivity, slider: SeekBar) {
        val before = activity.studio.state.value
        touch(slider, MotionEvent.ACTION_DOWN, slider.width * 0.5f, slider.height / 2f)
        for (share in listOf(0.6f, 0.7f, 0.8f, 0.9f)) {
            touch(slider, MotionEvent.ACTION_MOVE, slider.width * share, slider.height / 2f)
            shadowOf(Looper.getMainLooper()).idle()
        }
        touch(slider, MotionEvent.ACTION_UP, slider.width * 0.9f, slider.height / 2f)
        assertTrue("it begins", activity.studio.state.value.live.isNotEmpty())
        wait(activity, "the slider's picture") { activity.studio.state.value.run { !drawing && live.isEmpty() } }
        val after = activity.studio.state.value
        assertTrue(after.picture != null && after.picture !== before.picture)
        assertEquals(before.gallery, after.gallery)
        assertEquals("it leaves no line", before.queue?.entries?.map { it.id }, after.queue?.entries?.map { it.id })
        save(activity.window.decorView, "strength")
    }

    /** The queue's page: a pause, another order, a request that is stopped. */
    private fun line(activity: MainActivity) {
        press(activity, "Queue")
        press(activity, "Pause")
        wait(activity, "the pause") { button(activity, "Go on") != null }
        val waiting = { activity.studio.state.value.queue?.entries.orEmpty().filter { !it.isOver }.map { it.prompt } }
        activity.studio.draw(Asked("a cat", steps = 4).request())
        activity.studio.draw(Asked("a red apple", steps = 4).request())
        wait(activity, "two that wait") { waiting() == listOf("a cat", "a red apple") }
        press(activity, "↑")
        wait(activity, "the other order") { waiting() == listOf("a red apple", "a cat") }
        save(activity.window.decorView, "queue")
        press(activity, "Stop")
        wait(activity, "the end of one") { waiting() == listOf("a cat") }
        val before = activity.studio.state.value.gallery
        press(activity, "Go on")
        wait(activity, "the end of the other") { activity.studio.state.value.run { !drawing && gallery == before + 1 } }
        val states = activity.studio.state.value.queue?.entries.orEmpty().takeLast(2).map { it.prompt to it.state }
        assertEquals(listOf("a red apple" to QueueState.CANCELLED, "a cat" to QueueState.DONE), states)
        save(activity.window.decorView, "queue-over")
    }

    /** Another memory mode opens the model anew, and it draws as before. */
    private fun choose(activity: MainActivity) {
        press(activity, "How")
        assertTrue("without a classifier there is nothing to choose", button(activity, "Blur them")?.isEnabled == false)
        press(activity, "The least")
        wait(activity, "the model") { activity.studio.state.value.run { ready && choices.memory == MemoryMode.LEAST } }
        save(activity.window.decorView, "how")
        val before = activity.studio.state.value.gallery
        activity.studio.draw(Asked("a cat", steps = 2).request())
        wait(activity, "a picture") { activity.studio.state.value.run { !drawing && gallery == before + 1 } }
    }

    private fun touch(view: View, action: Int, x: Float, y: Float) {
        val event = MotionEvent.obtain(0, 0, action, x, y, 0)
        view.dispatchTouchEvent(event)
        event.recycle()
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
    private fun wait(activity: MainActivity, what: String, until: () -> Boolean) {
        val end = System.nanoTime() + 120_000_000_000
        while (!until()) {
            check(System.nanoTime() < end) { "$what did not come within two minutes, and the screen says: ${activity.studio.state.value}" }
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
