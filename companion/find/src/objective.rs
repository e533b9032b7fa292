//! The loss as a function of the weights in question, with its gradient.

use cones_core::CancelToken;

use crate::batch::Batch;
use crate::error::Result;
use crate::trigger_embedding::TriggerEmbedding;
use crate::weights::Weights;

/// The noise-prediction loss of a batch under given weights.
pub trait Objective {
    /// The weighted loss, and its gradient into `gradient`.
    ///
    /// # Errors
    /// Whatever running the model says, and being cancelled.
    fn gradient(
        &mut self,
        weights: &Weights,
        batch: &Batch,
        gradient: &mut Weights,
        cancel: &CancelToken,
    ) -> Result<f64>;

    /// The loss of each sample, unweighted.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient).
    fn losses(&mut self, weights: &Weights, batch: &Batch, cancel: &CancelToken) -> Result<Vec<f64>>;

    /// The trigger's embedding, where it is learned beside the weights.
    fn trigger(&mut self) -> Option<&mut TriggerEmbedding> {
        None
    }
}
