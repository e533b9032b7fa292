//! Logarithm, sine and cosine in float32 as PyTorch's AVX2 code computes them.
//!
//! An altered version, in scalar Rust, of `aten/src/ATen/native/cpu/avx_mathfun.h`, which is © 2012 Giovanni Garberoglio
//! and © 2007 Julien Pommier (zlib licence), itself after the Cephes library. The original is written without fused
//! multiply-adds; GCC fuses it when PyTorch is built. `mul_add` stands here wherever that build has a fused instruction,
//! and nowhere else: this is what makes the noise equal bit for bit.
#![expect(clippy::excessive_precision, reason = "constants as in the original, to compare by eye")]

use std::f32::consts::FRAC_1_SQRT_2;

const LN_POLYNOMIAL: [f32; 9] = [
    7.0376836292E-2,
    -1.1514610310E-1,
    1.1676998740E-1,
    -1.2420140846E-1,
    1.4249322787E-1,
    -1.6668057665E-1,
    2.0000714765E-1,
    -2.4999993993E-1,
    3.3333331174E-1,
];
/// ln 2 in two parts, the larger exact in few bits.
const LN2_LOW: f32 = -2.12194440e-4;
const LN2_HIGH: f32 = 0.693359375;

const FOUR_OVER_PI: f32 = 1.27323954473516;
/// -π/4 in three parts of falling size.
const MINUS_QUARTER_PI: [f32; 3] = [-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8];
const SINE: [f32; 3] = [-1.9515295891E-4, 8.3321608736E-3, -1.6666654611E-1];
const COSINE: [f32; 3] = [2.443315711809948E-005, -1.388731625493765E-003, 4.166664568298827E-002];

/// `log256_ps` for one positive, normal `x`.
pub(super) fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 23) as i32 - 0x7f) as f32 + 1.0;
    // The mantissa as a number in [0.5, 1).
    let mut m = f32::from_bits((bits & !0x7f80_0000) | 0x3f00_0000);
    if m < FRAC_1_SQRT_2 {
        exponent -= 1.0;
        m = (m - 1.0) + m;
    } else {
        m -= 1.0;
    }
    let square = m * m;
    let polynomial = horner(&LN_POLYNOMIAL, m) * m;
    let y = polynomial.mul_add(square, exponent * LN2_LOW);
    let y = (-square).mul_add(0.5, y);
    exponent.mul_add(LN2_HIGH, m + y)
}

/// `sincos256_ps` for one `x` in [0, 8192): sine, then cosine.
pub(super) fn sin_cos(x: f32) -> (f32, f32) {
    // The octant, rounded up to even.
    let octant = ((x * FOUR_OVER_PI) as i32 + 1) & !1;
    let turns = octant as f32;
    let x = MINUS_QUARTER_PI.iter().fold(x, |x, &part| turns.mul_add(part, x));

    let square = x * x;
    let even = (horner(&COSINE, square) * square).mul_add(square, -(square * 0.5)) + 1.0;
    let odd = (horner(&SINE, square) * square).mul_add(x, x);
    let (sine, cosine) = if octant & 2 == 0 { (odd, even) } else { (even, odd) };

    let flip_sine = octant & 4 != 0;
    let flip_cosine = (octant - 2) & 4 == 0;
    (if flip_sine { -sine } else { sine }, if flip_cosine { -cosine } else { cosine })
}

/// The polynomial with these coefficients, highest power first, each step fused.
fn horner(coefficients: &[f32], x: f32) -> f32 {
    coefficients.iter().skip(1).fold(coefficients[0], |sum, &next| sum.mul_add(x, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_to_float64() {
        for k in 1..=10_000 {
            let u = k as f32 / 10_000.0;
            assert!((f64::from(ln(u)) - f64::from(u).ln()).abs() < 1e-6, "ln {u}");
            let x = std::f32::consts::TAU * u;
            let (sine, cosine) = sin_cos(x);
            assert!((f64::from(sine) - f64::from(x).sin()).abs() < 3e-7, "sin {x}");
            assert!((f64::from(cosine) - f64::from(x).cos()).abs() < 3e-7, "cos {x}");
        }
    }
}
