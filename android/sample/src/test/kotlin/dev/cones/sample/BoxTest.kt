package dev.cones.sample

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

/** From a finger to a box. */
public class BoxTest {
    @Test
    public fun corners_may_be_told_in_any_order_and_lie_outside() {
        val right = Box(0.5f, 0.25f, 1f, 1f)
        assertEquals(right, Box.between(Spot(100f, 20f), Spot(230f, 90f), 200, 80))
        assertEquals(right, Box.between(Spot(230f, 20f), Spot(100f, 90f), 200, 80))
    }

    @Test
    public fun a_touch_is_no_box() {
        assertNull(Box.between(Spot(10f, 10f), Spot(11f, 60f), 100, 100))
        assertNull("all of it beside the picture", Box.between(Spot(-50f, 10f), Spot(-10f, 60f), 100, 100))
    }

    @Test
    public fun a_request_names_the_subject() {
        val asked = Asked("a {rex} on grass", mapOf("rex" to 1f), boxes = mapOf("rex" to Box(0f, 0f, 0.5f, 1f), "max" to Box(0f, 0f, 1f, 1f)))
        val box = asked.request().boxes.single()
        assertEquals("{rex}", box.words)
        assertEquals(0.5f, box.right, 0f)
    }
}
