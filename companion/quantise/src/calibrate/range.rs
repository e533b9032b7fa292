//! Ranges of activations, and the 256 steps that they are cut into.

/// The lowest and highest value that is told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Lowest.
    pub low: f32,
    /// Highest.
    pub high: f32,
}

impl Range {
    /// The range of no value yet.
    pub const EMPTY: Self = Self { low: f32::INFINITY, high: f32::NEG_INFINITY };

    /// The least range that holds both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Step and zero point of uint8: value = (step number - zero point) · step. 0 is told exactly. What onnxruntime's
    /// `compute_scale_zp` gives.
    pub fn steps(self) -> (f32, u8) {
        let (low, high) = (f64::from(self.low.min(0.0)), f64::from(self.high.max(0.0)));
        let step = (high - low) / 255.0;
        if !step.is_finite() || step < f64::from(f32::MIN_POSITIVE) {
            return (1.0, 0);
        }
        (step as f32, (-low / step).round_ties_even().clamp(0.0, 255.0) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn zero_is_a_step_of_every_range() {
        assert_eq!(Range { low: -1.0, high: 1.55 }.steps(), (0.01, 100));
        assert_eq!(Range { low: 1.0, high: 2.55 }.steps(), (0.01, 0));
        assert_eq!(Range { low: -2.55, high: -1.0 }.steps(), (0.01, 255));
        assert_eq!(Range { low: 0.0, high: 0.0 }.steps(), (1.0, 0));
        assert_eq!(Range::EMPTY.steps(), (1.0, 0));
        assert_eq!(Range { low: f32::NAN, high: f32::INFINITY }.steps(), (1.0, 0));
    }
}
