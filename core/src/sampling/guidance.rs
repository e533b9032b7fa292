//! Classifier-free guidance: what becomes of the U-Net's two predictions, or how it is told of the scale where it has learned to
//! guide itself.

use crate::sampling::rounded;

/// The embedding in which a consistency model's U-Net takes the guidance scale (`timestep_cond`), `width` numbers from -1 to 1:
/// `get_guidance_scale_embedding(guidance - 1, width)` of diffusers' `StableDiffusionPipeline` and
/// `LatentConsistencyModelPipeline`.
pub fn embedding(guidance: f32, width: usize) -> Vec<f32> {
    let weight = (rounded::decimal(guidance) - 1.0) as f32 * 1000.0;
    let half = width / 2;
    let step = rounded::ln(10_000.0) / half.saturating_sub(1) as f32;
    let angles: Vec<f32> = (0..half).map(|i| weight * rounded::exp(i as f32 * -step)).collect();
    let sines = angles.iter().map(|&angle| f64::from(angle).sin() as f32);
    let cosines = angles.iter().map(|&angle| f64::from(angle).cos() as f32);
    // An odd width ends in a zero.
    sines.chain(cosines).chain(std::iter::once(0.0)).take(width).collect()
}

/// Guides in place: of both predictions, the negative prompt's first, the first `size` values become the guided one.
///
/// `rescale` is diffusers' `guidance_rescale`: as much of the guided prediction, 0 to 1, is brought to the deviation that the
/// prompt's has (Lin et al. 2023, arXiv 2305.08891, section 3.4).
pub(crate) fn guide(output: &mut [f32], size: usize, guidance: f32, rescale: f32) {
    let (negative, positive) = output.split_at_mut(size);
    for (n, p) in negative.iter_mut().zip(&*positive) {
        *n += guidance * (*p - *n);
    }
    // Without a prompt's own branch there is nothing to compare with.
    if rescale > 0.0 && !positive.is_empty() {
        rescale_to(negative, deviation(positive), rescale);
    }
}

/// As `rescale_noise_cfg`.
fn rescale_to(guided: &mut [f32], wanted: f64, rescale: f32) {
    let found = deviation(guided);
    if found == 0.0 {
        return;
    }
    let factor = (wanted / found) as f32;
    for value in guided {
        *value = rescale * (*value * factor) + (1.0 - rescale) * *value;
    }
}

/// The standard deviation.
fn deviation(values: &[f32]) -> f64 {
    let count = values.len().max(2) as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let squares: f64 = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
    (squares / (count - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guided_prediction_is_brought_to_the_prompts_deviation_as_far_as_asked() {
        let both = [0.0, 1.0, -1.0, 2.0, 1.0, 3.0, -1.0, 4.0];
        let guided = |rescale| {
            let mut output = both;
            guide(&mut output, 4, 5.0, rescale);
            output[..4].to_vec()
        };
        let plain = guided(0.0);
        assert_eq!(plain, [5.0, 11.0, -1.0, 12.0]);
        let (wanted, found) = (deviation(&both[4..]), deviation(&plain));
        assert!((deviation(&guided(1.0)) - wanted).abs() < 1e-6);
        assert!((deviation(&guided(0.5)) - (wanted + found) / 2.0).abs() < 1e-6);
        let mut flat = [1.0; 8];
        guide(&mut flat, 4, 5.0, 0.7);
        assert_eq!(flat, [1.0; 8], "nothing to bring anywhere");
    }

    #[test]
    fn an_embedding_of_odd_width_ends_in_a_zero() {
        let (odd, even) = (embedding(8.5, 9), embedding(8.5, 8));
        assert_eq!((&odd[..8], odd[8]), (&even[..], 0.0));
        assert!(embedding(7.5, 0).is_empty());
        assert_eq!(embedding(1.0, 4), [0.0, 0.0, 1.0, 1.0], "no guidance");
    }
}
