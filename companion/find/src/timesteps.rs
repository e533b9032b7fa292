//! How often each timestep is learned from.

use cones_core::Scope;
use serde::{Deserialize, Serialize};

use crate::method::MethodKind;
use crate::random::Random;

/// How the timesteps of a step are drawn: one from each of as many equal parts of their likelihood as there are pictures, so that
/// no step is all noise or all picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timesteps {
    /// Each as likely as any other.
    Even,
    /// Those in the middle most, the first and the last not at all, in a straight line between (a triangle): in all noise there is
    /// nothing of a subject to be learned, and in hardly any it is there already.
    Middle,
}

impl Timesteps {
    /// What a method learns from by default. Only a subject's own rows, learned, are known to gain by the middle.
    pub fn of(method: MethodKind, scope: Scope) -> Self {
        match (method, scope) {
            (MethodKind::Learned, Scope::Trigger) => Self::Middle,
            _ => Self::Even,
        }
    }

    /// The timestep, below `timesteps`, of the `i`th of `count` pictures.
    pub(crate) fn draw(self, i: usize, count: usize, timesteps: usize, random: &mut Random) -> usize {
        let share = (i as f64 + random.unit()) / count.max(1) as f64;
        let along = match self {
            Self::Even => share,
            Self::Middle if share < 0.5 => (share / 2.0).sqrt(),
            Self::Middle => 1.0 - ((1.0 - share) / 2.0).sqrt(),
        };
        ((along * timesteps as f64) as usize).min(timesteps.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of many timesteps fall into each quarter.
    fn quarters(how: Timesteps) -> [usize; 4] {
        let (mut random, mut found) = (Random::new(1, 2), [0; 4]);
        for _ in 0..100 {
            (0..40).for_each(|i| found[how.draw(i, 40, 1000, &mut random) / 250] += 1);
        }
        found
    }

    #[test]
    fn middle_is_a_triangle_and_even_is_flat() {
        assert_eq!(quarters(Timesteps::Even), [1000; 4]);
        // Of a triangle's area an eighth lies in each outer quarter.
        assert_eq!(quarters(Timesteps::Middle), [500, 1500, 1500, 500]);
    }

    #[test]
    fn one_picture_or_one_timestep_is_no_special_case() {
        let mut random = Random::new(1, 2);
        for how in [Timesteps::Even, Timesteps::Middle] {
            assert_eq!(how.draw(0, 1, 1, &mut random), 0);
            assert!((0..100).all(|_| how.draw(0, 0, 7, &mut random) < 7));
        }
    }
}
