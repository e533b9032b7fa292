package dev.cones.sample

import android.app.AlertDialog
import android.view.View
import android.view.ViewGroup
import android.widget.BaseAdapter
import android.widget.GridView
import android.widget.ImageView
import android.widget.TextView
import dev.cones.Recipe
import kotlinx.coroutines.launch

/** The pictures that were kept; a touch tells how one was drawn. */
internal class GalleryPage(private val activity: MainActivity, private val again: (Recipe) -> Unit) {
    private var entries = emptyList<Gallery.Entry>()
    private var shown = -1
    private val nothing: TextView = activity.text("Nothing has been drawn yet.")

    private val adapter = object : BaseAdapter() {
        override fun getCount() = entries.size

        override fun getItem(position: Int) = entries[position]

        override fun getItemId(position: Int) = position.toLong()

        override fun getView(position: Int, reused: View?, parent: ViewGroup?): View =
            (reused as? ImageView ?: activity.picture()).apply { show(entries[position].thumbnail) }
    }

    private val grid = GridView(activity).apply {
        numColumns = GridView.AUTO_FIT
        columnWidth = activity.dp(110)
        val space = activity.dp(4)
        horizontalSpacing = space
        verticalSpacing = space
        adapter = this@GalleryPage.adapter
        setOnItemClickListener { _, _, position, _ -> tell(entries[position]) }
    }

    val view: View = activity.column {
        full(nothing)
        full(grid, weight = 1f)
    }

    fun show(state: State) {
        if (state.gallery == shown) return
        shown = state.gallery
        activity.scope.launch {
            entries = activity.studio.gallery.list()
            nothing.visibility = if (entries.isEmpty()) View.VISIBLE else View.GONE
            adapter.notifyDataSetChanged()
        }
    }

    private fun tell(entry: Gallery.Entry) {
        activity.scope.launch {
            val gallery = activity.studio.gallery
            var recipe: Recipe? = null
            val failure = Studio.told { recipe = gallery.recipe(entry.file) }
            val dialog = AlertDialog.Builder(activity)
                .setMessage(recipe?.parameters ?: failure)
                .setNegativeButton("Delete") { _, _ ->
                    activity.scope.launch {
                        gallery.remove(entry.file)
                        activity.studio.galleryChanged()
                    }
                }
            recipe?.let { drawn -> dialog.setPositiveButton("Draw again") { _, _ -> again(drawn) } }
            dialog.show()
        }
    }
}
