//! One call of the lending tool.

/// One call.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it is for.
    pub(crate) title: String,
    pub(crate) command: String,
    /// Ignored paths that travel with the tree.
    pub(crate) carry: Vec<String>,
    /// In seconds.
    pub(crate) timeout: u32,
}
