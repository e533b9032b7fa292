//! Random choices that depend on nothing but a seed and a place, so that an interrupted run goes on as it would have.

use cones_core::sampling::noise::TorchGenerator;
use cones_core::sampling::splitmix::SplitMix64;

/// A sequence of choices.
#[derive(Debug, Clone)]
pub struct Random(SplitMix64);

impl Random {
    /// The sequence of one place (a step, a set) of a run with this seed.
    pub fn new(seed: u64, place: u64) -> Self {
        let mut random = Self(SplitMix64::new(seed ^ place.wrapping_mul(0xd134_2543_de82_ef95)));
        // Neighbouring places would start alike.
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0.next_bits()
    }

    /// A whole number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// A number in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal numbers.
    pub fn normal(&mut self, out: &mut [f32]) {
        // The generator's seed has 32 bits that matter.
        TorchGenerator::new(self.next() >> 32).fill_normal(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_differ_and_repeat() {
        let draw = |seed, place| {
            let mut random = Random::new(seed, place);
            (0..8).map(|_| random.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
        assert!(draw(5, 5).iter().all(|&n| n < 1000));
        assert_eq!(Random::new(0, 0).below(0), 0);
    }
}
