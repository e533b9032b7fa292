//! Where in the picture words of the prompt are drawn.

/// Words of the prompt, and the part of the picture where they are drawn. Sides are shares of the picture's width and height.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct WordBox {
    /// Words as they stand in the prompt; or `{NAME}` for the trigger of the subject of that name.
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

/// A part of the picture for each of these words, so that all of them are in it and none is mixed with another: two side by side, three and four in
/// quarters, and so on, row by row from the upper left. One alone gets no box.
#[uniffi::export]
pub fn boxes_apart(words: Vec<String>) -> Vec<WordBox> {
    cones_core::WordBox::apart(words).iter().map(WordBox::from).collect()
}

impl From<&WordBox> for cones_core::WordBox {
    fn from(own: &WordBox) -> Self {
        Self::new(&own.words, [own.left, own.top, own.right, own.bottom])
    }
}

impl From<&cones_core::WordBox> for WordBox {
    fn from(core: &cones_core::WordBox) -> Self {
        let cones_core::WordBox { words, left, top, right, bottom, .. } = core;
        Self { words: words.clone(), left: *left, top: *top, right: *right, bottom: *bottom }
    }
}
