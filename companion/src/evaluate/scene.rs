//! What a picture is to show.

/// Indices into [`Labels`](super::labels::Labels).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scene {
    /// The things.
    pub objects: Vec<usize>,
    /// The context; none where the prompt names none that is known.
    pub context: Option<usize>,
}
