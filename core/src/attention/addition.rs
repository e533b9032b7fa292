//! What low-rank matrices add to a product: that of the embedding with the one, and of that with the other.

use half::slice::HalfFloatSliceExt;
use ndarray::ArrayView2;
use ndarray::ArrayViewMut2;
use ndarray::linalg::general_mat_mul;

use crate::subjects::low_rank::{LowRank, LowRankChange};

/// Low-rank changes switched on for all tokens of a prompt.
#[derive(Debug, Clone, Copy)]
pub struct Addition<'l> {
    /// What is added to the weights at full strength.
    pub low_rank: &'l LowRank,
    /// How strong, 0 to 1.
    pub strength: f32,
}

impl Addition<'_> {
    /// Adds `strength · scale · c · downᵀ · upᵀ` to the products of every layer, each `tokens × rows`, for an embedding `c` of
    /// `tokens × columns`. Layers of other sizes stay as they are; the caller has checked that there are none.
    pub(super) fn apply(&self, embedding: &[f32], tokens: usize, products: &mut [Vec<f32>]) {
        for (change, product) in self.low_rank.changes().zip(products) {
            if let Some(change) = change {
                let _ = add(change, self.strength * change.scale, embedding, tokens, product);
            }
        }
    }
}

/// None where sizes do not fit.
fn add(change: &LowRankChange, scale: f32, embedding: &[f32], tokens: usize, product: &mut [f32]) -> Option<()> {
    let (columns, rows) = (embedding.len().checked_div(tokens)?, product.len().checked_div(tokens)?);
    let (down, up) = (change.down.to_f32_vec(), change.up.to_f32_vec());
    let embedding = ArrayView2::from_shape((tokens, columns), embedding).ok()?;
    let down = ArrayView2::from_shape((change.rank, columns), &down).ok()?;
    let up = ArrayView2::from_shape((rows, change.rank), &up).ok()?;
    let mut product = ArrayViewMut2::from_shape((tokens, rows), product).ok()?;
    general_mat_mul(scale, &embedding.dot(&down.t()), &up.t(), 1.0, &mut product);
    Some(())
}
