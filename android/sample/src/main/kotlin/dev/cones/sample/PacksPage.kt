package dev.cones.sample

import android.app.Activity
import android.content.Context
import android.view.View
import android.widget.LinearLayout
import android.widget.ScrollView
import dev.cones.Catalog
import dev.cones.CatalogPack
import dev.cones.PackInfo
import kotlinx.coroutines.launch

/** What is installed, and what a publisher's catalogue offers. */
internal class PacksPage(private val activity: MainActivity) {
    // A real app pins its publisher's key; here it is typed in, so that anybody's catalogue can be tried.
    private val remembered = activity.getSharedPreferences("catalogue", Context.MODE_PRIVATE)
    private val url = activity.field("https://…/catalog.json", remembered.getString("url", null).orEmpty())
    private val key = activity.field("The publisher's public key", remembered.getString("key", null).orEmpty())
    private val status = activity.text()
    private val installed = list()
    private val offered = list()
    private var packs = emptyList<PackInfo>()
    private var catalog: Catalog? = null

    val view: View = ScrollView(activity).apply {
        addView(
            activity.column {
                full(activity.text("Installed"))
                full(installed)
                full(activity.text("Catalogue"))
                full(url)
                full(key)
                full(activity.button("Look") { look() })
                full(status)
                full(offered)
            },
        )
    }

    fun show(state: State) {
        if (state.subjects == packs && installed.childCount > 0) return
        packs = state.subjects
        installed.removeAllViews()
        for (pack in packs) {
            installed.full(activity.row {
                val withdrawn = pack.withdrawn?.let { "; its publisher has withdrawn it: $it" }.orEmpty()
                share(activity.text("${pack.name}, version ${pack.version}, ${pack.licence}$withdrawn"))
                side(activity.button("Remove") { launching { activity.studio.remove(pack.name) } })
            })
        }
        offer()
    }

    /** Puts a catalogue and its publisher's key into the fields. */
    fun take(catalog: String, publicKey: String) {
        url.setText(catalog)
        key.setText(publicKey)
    }

    private fun look() {
        remembered.edit().putString("url", url.text.toString()).putString("key", key.text.toString()).apply()
        launching {
            status.text = "Looking…"
            val found = activity.studio.catalog(url.text.toString(), key.text.toString().trim())
            catalog?.close()
            catalog = found
            status.text = "From ${found.info.publisher}"
            offer()
        }
    }

    private fun offer() {
        offered.removeAllViews()
        for (pack in catalog?.packs.orEmpty()) {
            val have = packs.any { it.name == pack.name && it.sha256 == pack.sha256 }
            offered.full(activity.row {
                share(activity.text("${pack.name} (${pack.subjectClass}), ${pack.bytes / 1024} KB, ${pack.licence}"))
                side(activity.button("Install") { install(pack) }.apply { isEnabled = !have })
            })
        }
    }

    private fun install(pack: CatalogPack) {
        val from = catalog ?: return
        launching {
            activity.studio.install(from, pack.name) { progress ->
                // On the thread that downloads.
                activity.runOnUiThread { status.text = "${progress.bytes} of ${progress.total} bytes" }
            }
            status.text = "${pack.name} is installed"
        }
    }

    private fun launching(block: suspend () -> Unit) {
        activity.scope.launch { Studio.told(block)?.let { status.text = it } }
    }

    private fun list() = LinearLayout(activity as Activity).apply { orientation = LinearLayout.VERTICAL }
}
