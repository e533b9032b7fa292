//! Adam (Kingma & Ba 2015) with the usual constants, and optionally damped.

use crate::weights::Weights;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// The moments of one set of parameters.
#[derive(Debug, Clone)]
pub(crate) struct Adam {
    pub(crate) first: Weights,
    pub(crate) second: Weights,
    /// How much of its layer's mean second moment is added to each parameter's own.
    damping: f32,
}

impl Adam {
    pub(crate) fn new(like: &Weights) -> Self {
        Self { first: like.filled(0.0), second: like.filled(0.0), damping: 0.0 }
    }

    /// Adam divides each parameter's slope by that slope's own size, so parameters that matter little, whose slopes are
    /// mostly noise, wander as far as those that matter. Damped, they stay behind.
    pub(super) fn damped(like: &Weights) -> Self {
        Self { damping: 1.0, ..Self::new(like) }
    }

    /// Step `step` (from 0) of `steps` down the gradient; parameters and gradient in the same order. The rate is constant
    /// for the first half of the steps, then goes down to nothing.
    pub(crate) fn step(
        &mut self,
        (step, steps): (usize, usize),
        rate: f64,
        parameters: &mut Weights,
        gradient: &[f32],
    ) {
        let rate = rate * (2.0 * (1.0 - step as f64 / steps.max(1) as f64)).clamp(0.0, 1.0);
        let made = step as f64 + 1.0;
        let scale = (rate / (1.0 - f64::from(BETA_1).powf(made))) as f32;
        let spread = (1.0 / (1.0 - f64::from(BETA_2).powf(made))) as f32;
        let mut rest = gradient;
        let moments = self.first.layers.iter_mut().zip(&mut self.second.layers);
        for (parameters, (first, second)) in parameters.layers.iter_mut().zip(moments) {
            let Some((slopes, after)) = rest.split_at_checked(parameters.values.len()) else { return };
            rest = after;
            for ((m, v), g) in first.values.iter_mut().zip(&mut second.values).zip(slopes) {
                *m += (1.0 - BETA_1) * (g - *m);
                *v += (1.0 - BETA_2) * (g * g - *v);
            }
            let mean = second.values.iter().map(|v| f64::from(*v)).sum::<f64>() / slopes.len().max(1) as f64;
            let floor = self.damping * mean as f32;
            for (parameter, (m, v)) in parameters.values.iter_mut().zip(first.values.iter().zip(&second.values)) {
                *parameter -= scale * m / (((v + floor) * spread).sqrt() + EPSILON);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Matrix;

    fn weights(values: &[f32]) -> Weights {
        let matrix = Matrix { name: "l".into(), rows: 1, columns: values.len(), values: values.to_vec() };
        Weights { layers: vec![matrix] }
    }

    /// By hand: in its first step Adam goes as far as the rate, whatever the slope's size.
    #[test]
    fn damping_holds_back_what_matters_little() {
        let slopes = [1.0, 1e-3, 0.0];
        let step = |mut adam: Adam| {
            let mut at = weights(&[0.0; 3]);
            adam.step((0, 1), 0.1, &mut at, &slopes);
            at.layers[0].values.clone()
        };
        let start = weights(&[0.0; 3]);
        let plain = step(Adam::new(&start));
        assert!((plain[0] + 0.1).abs() < 1e-5 && (plain[1] + 0.1).abs() < 1e-3 && plain[2] == 0.0, "{plain:?}");
        let damped = step(Adam::damped(&start));
        // The layer's mean square is a third of the loud one's: 0.1 / sqrt(1 + 1/3).
        assert!((damped[0] + 0.0866).abs() < 1e-4 && damped[1].abs() < 2e-4 && damped[2] == 0.0, "{damped:?}");
    }
}
