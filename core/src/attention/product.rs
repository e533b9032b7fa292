//! The product of an embedding with one layer's weights.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};

use crate::error::{Error, Result};
use crate::model::weights::AttentionWeights;

/// Rows that are widened to float32 at a time. So many fit into a processor core's second cache, and with half as many
/// the product takes 8 % longer.
const BLOCK: usize = 128;

/// `c · Wᵀ` of one layer, `tokens × rows`, for an embedding of `tokens × columns`.
///
/// Every value is summed in the same order whatever `BLOCK` is, so the same machine always gives the same bits.
pub(super) fn product(weights: &AttentionWeights, layer: usize, embedding: &[f32], tokens: usize) -> Result<Vec<f32>> {
    let Some(matrix) = weights.matrices().get(layer) else { return Ok(Vec::new()) };
    let (rows, columns) = (matrix.rows, matrix.columns);
    let misshapen = || {
        let (name, values) = (&matrix.name, embedding.len());
        Error::request("embedding", format!("has {values} values for {tokens} tokens; layer `{name}` takes {columns}"))
    };
    if tokens.checked_mul(columns) != Some(embedding.len()) {
        return Err(misshapen());
    }
    let embedding = ArrayView2::from_shape((tokens, columns), embedding).map_err(|_| misshapen())?;
    let mut out = vec![0.0; tokens * rows];
    let mut whole = ArrayViewMut2::from_shape((tokens, rows), &mut out).map_err(|_| misshapen())?;
    let mut block = vec![0.0; BLOCK.min(rows) * columns];
    for first in (0..rows).step_by(BLOCK) {
        let count = BLOCK.min(rows - first);
        let values = &mut block[..count * columns];
        weights.read_rows(layer, first, values);
        let values = ArrayView2::from_shape((count, columns), values).map_err(|_| misshapen())?;
        let mut part = whole.slice_mut(s![.., first..first + count]);
        general_mat_mul(1.0, &embedding, &values.t(), 0.0, &mut part);
    }
    Ok(out)
}
