//! 8-bit weights with a scale for each output channel, symmetric about 0.

/// The largest whole number; -128 is left out, so that the range is symmetric.
const LARGEST: f32 = 127.0;

/// Weights of one tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Channels {
    /// In the order of the tensor, -127 to 127.
    pub values: Vec<i8>,
    /// One for each channel; weight = value · scale.
    pub scales: Vec<f32>,
}

/// Rounds `weights` of shape `dims` to 255 steps in each channel along `axis`, ties to even. Values are finite.
///
/// A channel of zeros has scale 1. What onnxruntime's `quantize_data` gives for symmetric int8 per channel.
pub fn quantise(weights: &[f32], dims: &[usize], axis: usize) -> Channels {
    let channels = dims.get(axis).copied().unwrap_or(1);
    let inner: usize = dims.iter().skip(axis + 1).product();
    let channel = |i: usize| (i / inner.max(1)) % channels.max(1);
    let mut scales = vec![0.0f32; channels];
    for (i, weight) in weights.iter().enumerate() {
        scales[channel(i)] = scales[channel(i)].max(weight.abs());
    }
    for scale in &mut scales {
        *scale /= LARGEST;
        // Below the normal numbers a quotient would overflow; such a channel is as good as zero.
        if *scale < f32::MIN_POSITIVE {
            *scale = 1.0;
        }
    }
    let round = |(i, weight): (usize, &f32)| {
        // The cast saturates, and the quotient is within ±127 but for rounding.
        (weight / scales[channel(i)]).round_ties_even().clamp(-LARGEST, LARGEST) as i8
    };
    let values = weights.iter().enumerate().map(round).collect();
    Channels { values, scales }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_its_own_scale_along_any_axis() {
        let rows = quantise(&[1.27, -0.005, 0.015, 254.0, 0.0, -254.0], &[2, 3], 0);
        assert_eq!(rows.values, [127, 0, 2, 127, 0, -127]);
        assert_eq!(rows.scales, [1.27 / 127.0, 2.0]);
        let columns = quantise(&[1.27, 0.0, 254.0, -1.27, 0.0, 1.0], &[2, 3], 1);
        assert_eq!(columns.values, [127, 0, 127, -127, 0, 0]);
        assert_eq!(columns.scales, [1.27 / 127.0, 1.0, 2.0]);
    }

    #[test]
    fn zeros_and_vanishing_weights_are_zero() {
        assert_eq!(quantise(&[0.0, -0.0], &[1, 2], 0), Channels { values: vec![0, 0], scales: vec![1.0] });
        assert_eq!(quantise(&[1e-45], &[1], 0).values, [0]);
        assert_eq!(quantise(&[], &[0, 3], 0), Channels { values: vec![], scales: vec![] });
    }
}
