//! From numbers to colours.

/// A colour, red first.
pub type Colour = [u8; 3];

/// Colours at equal distances along 0 to 1, and all between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColourScale<const N: usize>(pub [Colour; N]);

impl<const N: usize> ColourScale<N> {
    /// The colour at a place along 0 to 1. What is less, or no number, has the first; what is more has the last.
    pub fn at(&self, place: f64) -> Colour {
        let [first, .., last] = self.0.as_slice() else { return self.0.first().copied().unwrap_or_default() };
        if place.is_nan() || place <= 0.0 {
            return *first;
        }
        let along = place.min(1.0) * (N - 1) as f64;
        let index = along as usize;
        let (Some(low), Some(high)) = (self.0.get(index), self.0.get(index + 1)) else { return *last };
        let part = along - index as f64;
        // Between two bytes, so it is one.
        [0, 1, 2].map(|i| (f64::from(low[i]) * (1.0 - part) + f64::from(high[i]) * part).round() as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_run_from_the_first_to_the_last() {
        let scale = ColourScale([[0, 0, 0], [100, 0, 50], [200, 255, 50]]);
        assert_eq!(
            [0.0, 0.25, 0.5, 1.0].map(|place| scale.at(place)),
            [[0; 3], [50, 0, 25], [100, 0, 50], [200, 255, 50]]
        );
        assert_eq!([-1.0, f64::NAN, 2.0].map(|place| scale.at(place)), [[0; 3], [0; 3], [200, 255, 50]]);
        assert_eq!(ColourScale([[7; 3]]).at(0.5), [7; 3]);
    }
}
