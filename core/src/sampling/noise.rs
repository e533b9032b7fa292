//! Gaussian noise exactly as PyTorch's CPU generator draws it, so that a picture can be compared with diffusers'.
//!
//! Source: `aten/src/ATen/native/cpu/DistributionTemplates.h` (`normal_fill`), `aten/src/ATen/core/DistributionsHelper.h`
//! (`normal_distribution`) and `aten/src/ATen/core/MT19937RNGEngine.h` of PyTorch.
//!
//! **Accuracy.** Bit for bit what PyTorch 2.15 draws on x86-64 with AVX2 (which is also what it takes on machines with
//! AVX-512): its polynomials for log, sine and cosine are repeated here with the same fused multiply-adds, so the result
//! does not depend on this machine's libm. PyTorch on ARM calls libm instead and its own noise differs from this in the
//! last bits. Draws of fewer than 16 numbers take libm's `log1p`, `sin` and `cos` in float64 and round once to float32,
//! which hides a libm's last bit in all but very rare cases.

mod cephes;
mod mersenne;

use mersenne::Mersenne;

/// Numbers that PyTorch's vectorised Box-Muller transform makes at once: eight pairs.
const BLOCK: usize = 16;

/// PyTorch's CPU random generator: `torch.Generator().manual_seed(seed)`.
///
/// Successive draws continue the sequence as successive `torch.randn(…, generator=g)` calls do.
///
/// ```
/// let mut generator = cones_core::sampling::noise::TorchGenerator::new(42);
/// let noise = generator.randn(4 * 64 * 64);
/// assert_eq!(noise[0], 1.926_915_3);
/// ```
#[derive(Debug, Clone)]
pub struct TorchGenerator {
    engine: Mersenne,
    /// The second number of the last scalar Box-Muller pair. As in PyTorch it outlives draws of 16 and more, which
    /// neither use nor clear it.
    spare: Option<f64>,
}

impl TorchGenerator {
    /// The generator after `torch.manual_seed(seed)`. Only the low 32 bits of `seed` matter, as in PyTorch.
    pub fn new(seed: u64) -> Self {
        Self { engine: Mersenne::new(seed), spare: None }
    }

    /// Standard normal numbers: `torch.randn(len)` in float32, flat.
    pub fn randn(&mut self, len: usize) -> Vec<f32> {
        let mut out = vec![0.0; len];
        self.fill_normal(&mut out);
        out
    }

    /// Fills `out` as one `torch.randn` call for a contiguous float32 tensor of that many elements does.
    ///
    /// What is drawn depends on the length: PyTorch has one way for 16 and more numbers and another for fewer, so two
    /// draws of 8 are not one of 16.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        if out.len() < BLOCK {
            for value in out {
                *value = self.scalar_normal() as f32;
            }
        } else {
            self.fill_blocks(out);
        }
    }

    /// `normal_fill`: all uniforms first, then whole blocks in place; a ragged end is drawn again as the last 16.
    fn fill_blocks(&mut self, out: &mut [f32]) {
        self.fill_uniform(out);
        let ragged = !out.len().is_multiple_of(BLOCK);
        for block in out.chunks_exact_mut(BLOCK) {
            box_muller(block);
        }
        if ragged {
            let start = out.len() - BLOCK;
            let last = &mut out[start..];
            self.fill_uniform(last);
            box_muller(last);
        }
    }

    /// `uniform_real_distribution<float>(0, 1)`: 24 bits each.
    fn fill_uniform(&mut self, out: &mut [f32]) {
        const BITS: u32 = f32::MANTISSA_DIGITS;
        for value in out {
            *value = (self.engine.next_u32() & ((1 << BITS) - 1)) as f32 / (1u32 << BITS) as f32;
        }
    }

    /// `uniform_real_distribution<double>(0, 1)`: 53 bits of two draws, the first one high.
    fn uniform_f64(&mut self) -> f64 {
        const BITS: u32 = f64::MANTISSA_DIGITS;
        let high = u64::from(self.engine.next_u32());
        let low = u64::from(self.engine.next_u32());
        (((high << 32) | low) & ((1 << BITS) - 1)) as f64 / (1u64 << BITS) as f64
    }

    /// `normal_distribution<double>(0, 1)`, which makes two numbers at a time and keeps the second.
    fn scalar_normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let u1 = self.uniform_f64();
        let u2 = self.uniform_f64();
        let radius = (-2.0 * (-u2).ln_1p()).sqrt();
        let theta = 2.0 * std::f64::consts::PI * u1;
        self.spare = Some(radius * theta.sin());
        radius * theta.cos()
    }
}

/// `NormalFill16<float>`: turns 16 uniforms in [0, 1) into 16 normals; element j pairs with element j + 8.
fn box_muller(block: &mut [f32]) {
    let (cosines, sines) = block.split_at_mut(BLOCK / 2);
    for (first, second) in cosines.iter_mut().zip(sines) {
        // [0, 1) → (0, 1] for the logarithm.
        let radius = (-2.0 * cephes::ln(1.0 - *first)).sqrt();
        let (sine, cosine) = cephes::sin_cos(std::f32::consts::TAU * *second);
        // PyTorch multiplies by std = 1 and adds mean = 0; the addition turns -0 into +0.
        *first = radius * cosine + 0.0;
        *second = radius * sine + 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_draw_leaves_the_state_alone() {
        let mut generator = TorchGenerator::new(7);
        assert!(generator.randn(0).is_empty());
        assert_eq!(generator.randn(3), TorchGenerator::new(7).randn(3));
    }

    #[test]
    fn only_low_32_bits_of_the_seed_matter() {
        assert_eq!(TorchGenerator::new((9 << 32) + 5).randn(40), TorchGenerator::new(5).randn(40));
    }

    #[test]
    fn spare_outlives_block_draws() {
        let mut plain = TorchGenerator::new(1);
        let pair = plain.randn(2);
        let mut mixed = TorchGenerator::new(1);
        let first = mixed.randn(1);
        mixed.randn(64);
        assert_eq!([first[0], mixed.randn(1)[0]], [pair[0], pair[1]]);
    }

    #[test]
    fn mean_and_variance_are_those_of_a_standard_normal() {
        let noise = TorchGenerator::new(3).randn(1 << 16);
        let mean = noise.iter().map(|&x| f64::from(x)).sum::<f64>() / noise.len() as f64;
        let variance = noise.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / noise.len() as f64;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }
}
