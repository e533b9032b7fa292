package dev.cones.sample

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.os.Build
import android.os.Bundle
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.widget.FrameLayout
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/** One screen with three pages. */
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
        pages = listOf(draw.view, gallery.view, packs.view)
        val root = column {
            // Below the system's bars, which from Android 15 on lie over the app.
            fitsSystemWindows = true
            full(row {
                share(button("Draw") { open(DRAW) })
                share(button("Gallery") { open(GALLERY) })
                share(button("Packs") { open(PACKS) })
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

    /** The notification is seen only if the person allows it; nothing waits for the answer. */
    internal fun askForNotifications() {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU) return
        val permission = Manifest.permission.POST_NOTIFICATIONS
        if (checkSelfPermission(permission) != PackageManager.PERMISSION_GRANTED) requestPermissions(arrayOf(permission), 0)
    }

    internal companion object {
        const val DRAW = 0
        const val GALLERY = 1
        const val PACKS = 2
        private const val PAGE = "page"
    }
}
