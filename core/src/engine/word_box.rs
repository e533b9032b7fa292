//! Where in the picture words of the prompt are drawn.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Words of the prompt, and the part of the picture where they are drawn: cross-attention sees them there alone.
///
/// Sides are shares of the picture's width and height, as those of diffusers' `gligen_boxes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WordBox {
    /// Words as they stand in the prompt, at each place where they do; or `{NAME}` for the trigger of a subject of that name.
    pub words: String,
    /// The left side, from 0.
    pub left: f32,
    /// The upper side, from 0.
    pub top: f32,
    /// The right side, up to 1.
    pub right: f32,
    /// The lower side, up to 1.
    pub bottom: f32,
}

impl WordBox {
    /// The most boxes of one request.
    pub const MOST: usize = 32;

    /// `words` between left, top, right and bottom.
    #[must_use]
    pub fn new(words: impl Into<String>, [left, top, right, bottom]: [f32; 4]) -> Self {
        Self { words: words.into(), left, top, right, bottom }
    }

    /// A part of the picture for each of these, so that all of them are in it and none is mixed with another: the cells of a grid, row by row
    /// from the upper left, as high as they are wide and in the middle of the picture. Two stand side by side, three and four have a quarter
    /// each; one alone needs no box, and gets none.
    ///
    /// Two with all of the height would stand there twice: on Toybox a dog and a robot so drew a second dog above.
    ///
    /// ```
    /// use cones_core::WordBox;
    ///
    /// let [left, right] = &WordBox::apart(["{rex}", "a cat"])[..] else { unreachable!() };
    /// assert_eq!(*left, WordBox::new("{rex}", [0.0, 0.25, 0.5, 0.75]));
    /// assert_eq!(*right, WordBox::new("a cat", [0.5, 0.25, 1.0, 0.75]));
    /// ```
    #[must_use]
    pub fn apart<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Vec<Self> {
        let words: Vec<String> = words.into_iter().map(Into::into).collect();
        if words.len() < 2 {
            return Vec::new();
        }
        let columns = (1..).find(|side| side * side >= words.len()).unwrap_or(1);
        let rows = words.len().div_ceil(columns);
        // There are as many rows as columns, or fewer: half of what they leave is above.
        let above = (columns - rows) as f32 / 2.0;
        let side = |cell: f32| cell / columns as f32;
        let placed = words.into_iter().enumerate().map(|(number, words)| {
            let (row, column) = (above + (number / columns) as f32, (number % columns) as f32);
            Self::new(words, [side(column), side(row), side(column + 1.0), side(row + 1.0)])
        });
        placed.collect()
    }

    /// The subject that is meant, where the words are `{NAME}`.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.words.trim().strip_prefix('{')?.strip_suffix('}')
    }

    /// Refuses what is no part of a picture.
    pub(crate) fn check(&self) -> Result<()> {
        if self.words.trim().is_empty() {
            return Err(Error::request("boxes", "hold one without words"));
        }
        let Self { words, left, top, right, bottom } = self;
        let is_side = |from: f32, to: f32| from >= 0.0 && from < to && to <= 1.0;
        if is_side(*left, *right) && is_side(*top, *bottom) {
            return Ok(());
        }
        let reason = format!(
            "hold `{words}` from {left}, {top} to {right}, {bottom}; sides are shares of the picture, from 0, 0 at its upper left \
             corner to 1, 1, and the second corner is right of the first and below"
        );
        Err(Error::request("boxes", reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parts_of_a_picture_are_boxes() {
        for good in [[0.0, 0.0, 1.0, 1.0], [0.5, 0.25, 0.75, 1.0]] {
            assert!(WordBox::new("dog", good).check().is_ok(), "{good:?}");
        }
        let bad = [
            [0.5, 0.0, 0.5, 1.0],
            [0.6, 0.0, 0.5, 1.0],
            [-0.1, 0.0, 0.5, 1.0],
            [0.0, 0.0, 1.1, 1.0],
            [0.0, f32::NAN, 1.0, 1.0],
        ];
        for bad in bad {
            assert!(WordBox::new("dog", bad).check().is_err(), "{bad:?}");
        }
        assert!(WordBox::new(" ", [0.0, 0.0, 1.0, 1.0]).check().is_err());
    }

    #[test]
    fn things_apart_share_no_place_and_stand_in_the_middle() {
        assert_eq!(WordBox::apart(["dog"]), []);
        assert_eq!(WordBox::apart(Vec::<String>::new()), []);
        for count in 2..=WordBox::MOST {
            let boxes = WordBox::apart((0..count).map(|number| number.to_string()));
            assert_eq!(boxes.len(), count);
            assert!(boxes.iter().all(|own| own.check().is_ok()), "{boxes:?}");
            for (number, one) in boxes.iter().enumerate() {
                for other in &boxes[number + 1..] {
                    let beside = one.right <= other.left || other.right <= one.left;
                    assert!(beside || one.bottom <= other.top || other.bottom <= one.top, "{one:?} {other:?}");
                }
            }
            let (first, last) = (&boxes[0], &boxes[count - 1]);
            assert!((first.top - (1.0 - last.bottom)).abs() < 1e-6, "in the middle: {boxes:?}");
            assert!(boxes.iter().any(|own| own.right == 1.0));
            assert!(
                boxes.iter().all(|own| (own.right - own.left - own.bottom + own.top).abs() < 1e-6),
                "squares: {boxes:?}"
            );
        }
        let four = WordBox::apart(["a", "b", "c", "d"]);
        assert_eq!(four[1], WordBox::new("b", [0.5, 0.0, 1.0, 0.5]));
        assert_eq!(four[2], WordBox::new("c", [0.0, 0.5, 0.5, 1.0]));
    }

    #[test]
    fn braces_name_a_subject() {
        let whole = [0.0, 0.0, 1.0, 1.0];
        assert_eq!(WordBox::new("{rex}", whole).subject(), Some("rex"));
        assert_eq!(WordBox::new("a dog", whole).subject(), None);
    }
}
