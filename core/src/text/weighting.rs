//! Weights applied to an embedding.

use crate::error::{Error, Result};

/// Multiplies each row by its weight, and then all of them so that their mean is what it was: AUTOMATIC1111's emphasis
/// "Original", which diffusers' `lpw_stable_diffusion` has as well. Where all weigh 1 nothing is touched.
///
/// # Errors
/// [`Error::BadRequest`] where the weighted rows' mean is none that can be made the old one.
pub(crate) fn weigh(embedding: &mut [f32], weights: &[f32]) -> Result<()> {
    if weights.iter().all(|weight| *weight == 1.0) {
        return Ok(());
    }
    let width = (embedding.len() / weights.len().max(1)).max(1);
    let before = sum(embedding);
    for (row, weight) in embedding.chunks_exact_mut(width).zip(weights) {
        row.iter_mut().for_each(|value| *value *= weight);
    }
    let factor = (before / sum(embedding)) as f32;
    embedding.iter_mut().for_each(|value| *value *= factor);
    if embedding.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(Error::request("prompt", "has weights that leave nothing of it: their mean is 0, or beyond all numbers"))
}

fn sum(values: &[f32]) -> f64 {
    values.iter().copied().map(f64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_weighed_and_the_mean_stays() {
        let mut rows = [1.0, 2.0, 3.0, 6.0];
        weigh(&mut rows, &[1.0, 2.0]).expect("weights");
        // 3 + 18 are brought back to 12.
        let factor = 12.0 / 21.0;
        assert_eq!(rows, [1.0, 2.0, 6.0, 12.0].map(|value: f32| value * factor));
    }

    #[test]
    fn ones_change_no_bit_and_nothing_is_no_picture() {
        let before = [0.1, 0.7, -0.3, 1e-20];
        let mut rows = before;
        weigh(&mut rows, &[1.0, 1.0]).expect("weights");
        assert_eq!(rows, before);
        for weights in [[0.0, 0.0], [1.0, -1.0], [1e38, 1e38]] {
            let mut rows = [1.0, 2.0, 1.0, 2.0];
            let refused = weigh(&mut rows, &weights);
            assert!(weights[0] > 1.0 || matches!(refused, Err(Error::BadRequest { .. })), "{weights:?}: {refused:?}");
        }
    }
}
