//! 4-bit weights of linear layers in blocks along the inputs, as `com.microsoft.MatMulNBits` takes them.

/// Inputs that share a scale.
pub const BLOCK: usize = 32;
/// What stands for 0.
const ZERO: f32 = 8.0;
/// The largest of the sixteen steps.
const LARGEST: f32 = 15.0;

/// Weights of one linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocks {
    /// [outputs, inputs / [`BLOCK`], [`BLOCK`] / 2], two to a byte, the first in the low half; weight = (value - 8) · scale.
    pub values: Vec<u8>,
    /// [outputs, inputs / [`BLOCK`]].
    pub scales: Vec<f32>,
}

/// Rounds a matrix [inputs, outputs] to 16 steps in each block; `None` where blocks do not come out even. Values are finite.
///
/// The weight of a block that is farthest from 0 becomes -8 exactly, by the sign of the scale: so all sixteen steps are
/// used. What onnxruntime's `quantize_matmul_4bits` gives with symmetric blocks.
pub fn quantise(weights: &[f32], inputs: usize, outputs: usize) -> Option<Blocks> {
    if inputs == 0 || !inputs.is_multiple_of(BLOCK) || weights.len() != inputs.checked_mul(outputs)? {
        return None;
    }
    let (mut values, mut scales) = (Vec::with_capacity(weights.len() / 2), Vec::with_capacity(weights.len() / BLOCK));
    for output in 0..outputs {
        for first in (0..inputs).step_by(BLOCK) {
            let block: Vec<f32> = (first..first + BLOCK).map(|input| weights[input * outputs + output]).collect();
            let farthest = block.iter().fold(0.0f32, |most, w| if w.abs() > most.abs() { *w } else { most });
            let scale = farthest / -ZERO;
            let step = if scale == 0.0 { 0.0 } else { 1.0 / scale };
            let round = |weight: &f32| {
                // A scale below the normal numbers has no reciprocal; such a block is as good as zero.
                let steps = if step.is_finite() { weight * step } else { 0.0 };
                (steps + ZERO).round().clamp(0.0, LARGEST) as u8
            };
            values.extend(block.as_chunks::<2>().0.iter().map(|[low, high]| round(low) | round(high) << 4));
            scales.push(scale);
        }
    }
    Some(Blocks { values, scales })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_farthest_weight_is_kept_exactly_and_columns_become_rows() {
        // Two outputs; the second is all zeros but one.
        let mut weights = vec![0.0f32; 2 * BLOCK];
        weights[0] = 4.0;
        weights[2] = -1.0;
        weights[2 * 31 + 1] = -8.0;
        let blocks = quantise(&weights, BLOCK, 2).expect("blocks");
        assert_eq!(blocks.scales, [-0.5, 1.0]);
        // 4.0 / -0.5 + 8 = 0; -1.0 / -0.5 + 8 = 10; all others 8.
        assert_eq!(blocks.values[..2], [10 << 4, 8 | 8 << 4]);
        assert_eq!(blocks.values[31], 8, "-8.0 / 1.0 + 8 = 0 in the high half");
    }

    #[test]
    fn uneven_blocks_are_none() {
        assert_eq!(quantise(&[0.0; 33], 33, 1), None);
        assert_eq!(quantise(&[], 0, 4), None);
        assert_eq!(quantise(&[0.0; 32], 32, 2), None, "too few");
        assert_eq!(quantise(&[0.0; 32], 32, 1).expect("a block").values, [0x88; 16]);
        assert_eq!(quantise(&[1e-44; 32], 32, 1).expect("a block").values, [0x88; 16]);
    }
}
