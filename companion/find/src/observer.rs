//! What a caller is told while neurons are found or tuned.

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

    /// `done` of `of` masks were measured on held-out noise.
    fn measured(&mut self, done: usize, of: usize) {
        let _ = (done, of);
    }
}

/// Listens to nothing.
impl FindObserver for () {}
