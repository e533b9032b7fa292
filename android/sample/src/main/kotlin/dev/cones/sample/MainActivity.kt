package dev.cones.sample

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.content.pm.PackageManager
import android.os.Build
import android.os.Bundle
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.widget.FrameLayout
import android.widget.HorizontalScrollView
import android.widget.Toast
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/** One screen with its pages. */
public class MainActivity : Activity() {
    /** Ends with the activity; what must not, runs in [Studio]. */
    internal val scope = CoroutineScope(SupervisorJob() + Dispatchers.Main.immediate)

    private lateinit var pages: List<View>
    private lateinit var packs: PacksPage

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        studio.begin()
        val draw = DrawPage(this)
        val gallery = GalleryPage(this) { recipe ->
            draw.take(recipe)
            open(DRAW)
        }
        packs = PacksPage(this)
        val photo = PhotoPage(this)
        val queue = QueuePage(this)
        val choices = ChoicesPage(this)
        pages = listOf(draw.view, photo.view, queue.view, gallery.view, packs.view, choices.view)
        val root = column {
            // Below the system's bars, which from Android 15 on lie over the app.
            fitsSystemWindows = true
            full(HorizontalScrollView(this@MainActivity)).addView(row {
                NAMES.forEachIndexed { page, name -> side(button(name) { open(page) }) }
            })
            val frame = full(FrameLayout(this@MainActivity), weight = 1f)
            pages.forEach { frame.addView(it, FrameLayout.LayoutParams(MATCH_PARENT, MATCH_PARENT)) }
        }
        setContentView(root)
        open(savedInstanceState?.getInt(PAGE) ?: DRAW)
        // A screen that was turned has taken its link already.
        if (savedInstanceState == null) take(intent)
        scope.launch {
            studio.state.collect { state ->
                draw.show(state)
                photo.show(state)
                queue.show(state)
                choices.show(state)
                gallery.show(state)
                packs.show(state)
            }
        }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        take(intent)
    }

    /** A link to a catalogue, as a studio's QR code has it. Nothing is fetched before the person says so. */
    private fun take(intent: Intent?) {
        val link = intent?.data?.takeIf { it.scheme == "cones" && it.host == "catalog" } ?: return
        packs.take(link.getQueryParameter("url").orEmpty(), link.getQueryParameter("key").orEmpty())
        open(PACKS)
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putInt(PAGE, pages.indexOfFirst { it.visibility == View.VISIBLE })
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    private fun open(page: Int) {
        pages.forEachIndexed { index, view -> view.visibility = if (index == page) View.VISIBLE else View.GONE }
    }

    /** Lets the person choose a photo; the app sees that one and no other, and needs no permission. */
    internal fun choosePhoto() {
        val intent = Intent(Intent.ACTION_GET_CONTENT).setType("image/*").addCategory(Intent.CATEGORY_OPENABLE)
        try {
            // Without androidx this is the way; the sample is about the library.
            @Suppress("DEPRECATION")
            startActivityForResult(intent, PHOTO)
        } catch (_: ActivityNotFoundException) {
            Toast.makeText(this, "No app on this device shows photos.", Toast.LENGTH_LONG).show()
        }
    }

    @Deprecated("Deprecated in Java")
    override fun onActivityResult(requestCode: Int, resultCode: Int, data: Intent?) {
        val photo = data?.data?.takeIf { requestCode == PHOTO && resultCode == RESULT_OK } ?: return
        scope.launch {
            val message = Studio.told { studio.take(photo(photo)) }
            if (message != null) Toast.makeText(this@MainActivity, message, Toast.LENGTH_LONG).show()
        }
    }

    /** The notification is seen only if the person allows it; nothing waits for the answer. */
    internal fun askForNotifications() {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU) return
        val permission = Manifest.permission.POST_NOTIFICATIONS
        if (checkSelfPermission(permission) != PackageManager.PERMISSION_GRANTED) requestPermissions(arrayOf(permission), 0)
    }

    internal companion object {
        val NAMES = listOf("Draw", "Photo", "Queue", "Gallery", "Packs", "How")
        const val DRAW = 0
        const val PACKS = 4
        private const val PHOTO = 1
        private const val PAGE = "page"
    }
}
