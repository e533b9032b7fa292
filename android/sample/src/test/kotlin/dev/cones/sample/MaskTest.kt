package dev.cones.sample

import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.hypot
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

/** From a finger to a mask. */
public class MaskTest {
    private fun Mask.at(x: Int, y: Int): Int = grey()[y * width + x].toInt() and 0xff

    private fun Mask.area(): Double = grey().sumOf { (it.toInt() and 0xff) / 255.0 }

    @Test
    public fun a_touch_is_a_disc_as_wide_as_the_brush() {
        val mask = Mask(64, 48)
        mask.begin(20f, 24f, 10f)
        mask.end()
        for (y in 0 until 48) for (x in 0 until 64) {
            val distance = hypot(x + 0.5f - 20, y + 0.5f - 24)
            when {
                distance <= 9.5f -> assertEquals(255, mask.at(x, y))
                distance >= 10.5f -> assertEquals(0, mask.at(x, y))
                else -> assertEquals(255 * (10.5f - distance), mask.at(x, y).toFloat(), 1f)
            }
        }
        assertEquals(PI * 100, mask.area(), 1.0)
    }

    @Test
    public fun a_line_is_the_same_however_many_places_a_finger_tells() {
        val (few, many) = Mask(100, 40) to Mask(100, 40)
        few.begin(10f, 20f, 6f)
        few.to(90f, 20f)
        many.begin(10f, 20f, 6f)
        for (x in 10..90) repeat(2) { many.to(x.toFloat(), 20f) }
        val differences = few.grey().zip(many.grey()) { a, b -> abs((a.toInt() and 0xff) - (b.toInt() and 0xff)) }
        assertTrue("${differences.max()}", differences.max() <= 1)
        // A rectangle, and a half disc at each end.
        assertEquals(80 * 12 + PI * 36, few.area(), 2.0)
    }

    @Test
    public fun strokes_that_cross_are_no_brighter_and_what_is_rubbed_out_is_kept() {
        val mask = Mask(40, 40)
        mask.begin(5f, 20f, 4f)
        mask.to(35f, 20f)
        mask.begin(20f, 5f, 4f)
        mask.to(20f, 35f)
        assertEquals(255, mask.at(20, 20))
        mask.begin(20f, 20f, 3f, erases = true)
        assertEquals(0, mask.at(20, 20))
        assertEquals(255, mask.at(10, 20))
        mask.begin(20f, 20f, 2f)
        assertEquals("what is painted later lies above", 255, mask.at(20, 20))
    }

    @Test
    public fun undo_takes_back_stroke_by_stroke_and_clear_all() {
        val mask = Mask(16, 16)
        assertTrue(mask.isEmpty && !mask.undo())
        mask.begin(8f, 8f, 2f)
        mask.end()
        val one = mask.grey()
        mask.begin(2f, 2f, 2f)
        mask.to(6f, 6f)
        // A finger that is taken away by the system in the middle of its stroke.
        assertTrue(mask.undo())
        mask.to(9f, 9f)
        assertArrayEquals(one, mask.grey())
        mask.begin(8f, 8f, 9f, erases = true)
        assertFalse("a person sees what they painted", mask.isEmpty)
        mask.clear()
        assertTrue(mask.isEmpty)
        assertArrayEquals(ByteArray(256), mask.grey())
        mask.begin(8f, 8f, 9f, erases = true)
        assertTrue("there is nothing to draw", mask.isEmpty)
    }

    @Test
    public fun what_is_outside_is_cut_and_a_picture_is_opaque() {
        val mask = Mask(8, 8)
        mask.begin(-100f, 4f, 2f)
        mask.to(200f, 4f)
        mask.begin(4f, 1000f, 3f)
        assertEquals(listOf(0, 0, 255, 255, 255, 255, 0, 0), (0 until 8).map { mask.at(3, it) })
        val rgba = mask.rgba()
        for (pixel in 0 until 64) {
            val grey = mask.grey()[pixel]
            assertEquals(listOf(grey, grey, grey, -1), rgba.slice(4 * pixel until 4 * pixel + 4))
        }
    }

    @Test
    public fun places_on_the_screen_are_pixels_of_the_picture() {
        val wide = Fit(400, 400, 200, 100)
        assertEquals(2f, wide.scale, 0f)
        assertEquals(Spot(0f, 0f), wide.spot(0f, 100f))
        assertEquals(Spot(200f, 100f), wide.spot(400f, 300f))
        val high = Fit(400, 100, 50, 100)
        assertEquals(Spot(25f, 50f), high.spot(200f, 50f))
        assertEquals("before there is a place on the screen", Spot(0f, 0f), Fit(0, 0, 50, 100).spot(7f, 7f))
    }
}
