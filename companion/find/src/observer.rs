//! What a caller is told while neurons are found or tuned.

use cones_core::ConceptMask;

/// Is told how far the work is, on the thread that does it. Nothing has to be listened to.
pub trait FindObserver {
    /// Something is worth knowing, though the work goes on.
    fn warned(&mut self, warning: &str) {
        let _ = warning;
    }

    /// `done` of `of` pictures of one kind are encoded; `what` says which, as `subject` or `class`.
    fn prepared(&mut self, what: &str, done: usize, of: usize) {
        let _ = (what, done, of);
    }

    /// Step `step` (from 1) of `steps` was made; `loss` is its weighted loss.
    fn step(&mut self, step: usize, steps: usize, loss: f64) {
        let _ = (step, steps, loss);
    }

    /// An interrupted run goes on: the losses of the steps that were made before, and the seconds spent on them.
    fn resumed(&mut self, history: &[f64], seconds: f64) {
        let _ = (history, seconds);
    }

    /// Whether the mask as it is after step `step` is to be shown. Making it takes as long as sorting all weights.
    fn wants_mask(&mut self, step: usize) -> bool {
        let _ = step;
        false
    }

    /// The neurons as they would be shut after step `step`: what the method would shut by itself, before any number of them is
    /// chosen on held-out noise.
    fn mask(&mut self, step: usize, mask: &ConceptMask) {
        let _ = (step, mask);
    }

    /// `done` of `of` masks were measured on held-out noise.
    fn measured(&mut self, done: usize, of: usize) {
        let _ = (done, of);
    }
}

/// Listens to nothing.
impl FindObserver for () {}
