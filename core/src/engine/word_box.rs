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
    fn braces_name_a_subject() {
        let whole = [0.0, 0.0, 1.0, 1.0];
        assert_eq!(WordBox::new("{rex}", whole).subject(), Some("rex"));
        assert_eq!(WordBox::new("a dog", whole).subject(), None);
    }
}
