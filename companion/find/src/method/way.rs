//! What every way of finding neurons does.

use crate::weights::Weights;

/// A way of finding neurons: says at which weights it wants the gradient, and learns from it.
pub trait Method {
    /// Writes the weights at which the next gradient is to be taken.
    fn place(&self, base: &Weights, out: &mut Weights);

    /// Learns from the gradient of the loss at [`place`](Self::place), in step `step` (from 0) of `steps`.
    fn learn(&mut self, base: &Weights, gradient: &Weights, step: usize, steps: usize);

    /// How much each weight asks to be shut; the neurons are those with the highest scores.
    fn scores(&self, base: &Weights) -> Weights;

    /// How many weights it would shut by itself, where it has an opinion.
    fn natural(&self) -> Option<usize>;

    /// What each weight is to be multiplied with, where it changes all of them instead of shutting some.
    fn factors(&self, _base: &Weights) -> Option<Weights> {
        None
    }

    /// Everything it has learned, by name, for going on after an interruption.
    fn state(&self) -> Vec<(&'static str, &Weights)>;

    /// Everything it has learned, by name, to be changed: for going on after an interruption.
    fn state_mut(&mut self) -> Vec<(&'static str, &mut Weights)>;
}
