//! How far the steps of a run are.

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// Training loss of each step made.
    pub history: Vec<f64>,
    /// Seconds spent on them.
    pub seconds: f64,
}
