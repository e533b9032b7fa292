package dev.cones

/**
 * Words of the prompt, and the part of the picture where they are drawn. Sides are shares of the picture's width and height.
 *
 * ```kotlin
 * Request("a {rex} and a cat on grass", subjects = listOf(SubjectChoice("rex")), boxes = listOf(WordBox("{rex}", 0f, 0f, 0.5f, 1f)))
 * ```
 *
 * @property words words as they stand in the prompt; or `{NAME}` for the trigger of the subject of that name.
 * @property left the left side, from 0.
 * @property top the upper side, from 0.
 * @property right the right side, up to 1.
 * @property bottom the lower side, up to 1.
 */
public data class WordBox(val words: String, val left: Float, val top: Float, val right: Float, val bottom: Float) {
    internal fun native() = dev.cones.generated.WordBox(words, left, top, right, bottom)

    public companion object {
        /**
         * A part of the picture for each of these words, so that all of them are in it and none is mixed with another: two side by side, three
         * and four in quarters, and so on, row by row from the upper left. One alone gets no box.
         */
        public fun apart(words: List<String>): List<WordBox> = dev.cones.generated.boxesApart(words).map { it.wrapped() }
    }
}

internal fun dev.cones.generated.WordBox.wrapped() = WordBox(words, left, top, right, bottom)
