//! Pictures a little like one that is there: another seed's noise, mixed in.

use serde::{Deserialize, Serialize};

/// Another seed, and how much of its noise is mixed into a picture's own; AUTOMATIC1111's "variation seed".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Variation {
    /// The other seed. Of several pictures all have one seed, and each has the next variation seed.
    pub seed: u64,
    /// 0 (the picture as it is) to 1 (the other seed's picture).
    pub strength: f32,
}

impl Variation {
    /// So much of the noise of `seed`, 0 to 1.
    #[must_use]
    pub fn new(seed: u64, strength: f32) -> Self {
        Self { seed, strength }
    }
}

/// Turns `noise` towards `other` by `part` of the angle between them (spherical interpolation), as the web UI's `slerp` does: for each
/// channel and column of `[channels, height, width]` over its rows. Where all are nearly alike, it mixes them straight.
pub(crate) fn turn(noise: &mut [f32], other: &[f32], [channels, height, width]: [usize; 3], part: f32) {
    let places = |channel: usize, column: usize| (0..height).map(move |row| (channel * height + row) * width + column);
    let dot = |channel, column| {
        let (mut own, mut others, mut both) = (0.0f64, 0.0f64, 0.0f64);
        for i in places(channel, column) {
            let (a, b) = (f64::from(noise[i]), f64::from(other[i]));
            own += a * a;
            others += b * b;
            both += a * b;
        }
        // A column of zeros has no direction: it is mixed straight.
        let length = own.sqrt() * others.sqrt();
        if length > 0.0 { (both / length).clamp(-1.0, 1.0) } else { 1.0 }
    };
    let dots: Vec<f64> = (0..channels).flat_map(|c| (0..width).map(move |x| (c, x))).map(|(c, x)| dot(c, x)).collect();
    let part = f64::from(part);
    // As the web UI has it, where the first part is that of the picture's own noise.
    let alike = dots.iter().sum::<f64>() / dots.len().max(1) as f64 > 0.9995;
    for (i, dot) in dots.iter().enumerate() {
        let angle = dot.acos();
        let (own, others) = match angle.sin() {
            _ if alike => (part, 1.0 - part),
            // Opposite or equal: no plane to turn in.
            sine if sine.abs() < 1e-12 => (1.0 - part, part),
            sine => (((1.0 - part) * angle).sin() / sine, (part * angle).sin() / sine),
        };
        for at in places(i / width.max(1), i % width.max(1)) {
            noise[at] = (own * f64::from(noise[at]) + others * f64::from(other[at])) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::noise::TorchGenerator;

    #[derive(Deserialize)]
    struct Golden {
        noises: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        shape: [usize; 3],
        seed: u64,
        variation_seed: u64,
        strength: f32,
        values: Vec<f32>,
    }

    #[test]
    fn noise_is_turned_as_in_the_web_ui() {
        let golden: Golden = cones_tests::golden::json("variation/variation.json");
        for case in golden.noises {
            let count = case.shape.iter().product();
            let mut noise = TorchGenerator::new(case.seed).randn(count);
            turn(&mut noise, &TorchGenerator::new(case.variation_seed).randn(count), case.shape, case.strength);
            for (ours, theirs) in noise.iter().zip(&case.values) {
                assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs} at {:?}", case.shape);
            }
        }
    }

    #[test]
    fn nothing_and_all_of_it_are_the_two_noises() {
        let [own, other] = [1, 2].map(|seed| TorchGenerator::new(seed).randn(4 * 8 * 8));
        for (part, expected) in [(0.0, &own), (1.0, &other)] {
            let mut noise = own.clone();
            turn(&mut noise, &other, [4, 8, 8], part);
            assert!(noise.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{part}");
        }
        // Noise of nothing has no direction.
        let mut flat = vec![0.0; 16];
        turn(&mut flat, &own[..16], [1, 4, 4], 0.5);
        assert!(flat.iter().all(|value| value.is_finite()), "{flat:?}");
    }
}
