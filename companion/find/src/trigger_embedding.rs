//! What is learned of the trigger's tokens beside the mask (Textual Inversion, Gal et al. 2022).

use cones_core::subjects::pack::TokenEmbeddings;
use half::f16;

use crate::method::adam::Adam;
use crate::weights::{Matrix, Weights};

/// What is added to the embeddings of the trigger's tokens, and the means to learn it.
#[derive(Debug, Clone)]
pub struct TriggerEmbedding {
    /// One matrix, tokens × width.
    offsets: Weights,
    adam: Adam,
    /// Adam's learning rate.
    rate: f64,
    /// Of the loss, at the last step; empty before the first.
    gradient: Vec<f32>,
    phase: Phase,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Learning,
    /// As it will stand in the pack.
    Kept,
    /// Out of the way, for measuring the base model.
    Off,
}

impl TriggerEmbedding {
    /// The table's own embedding of each of `tokens` tokens so far. `rate` is Adam's learning rate.
    pub fn new(tokens: usize, width: usize, rate: f64) -> Self {
        let matrix = Matrix { name: "trigger".into(), rows: tokens, columns: width, values: vec![0.0; tokens * width] };
        let offsets = Weights { layers: vec![matrix] };
        Self { adam: Adam::new(&offsets), offsets, rate, gradient: Vec::new(), phase: Phase::Learning }
    }

    /// What is to be added now, tokens × width.
    pub fn offsets(&self) -> Vec<f32> {
        let on = if self.phase == Phase::Off { 0.0 } else { 1.0 };
        self.offsets.values().map(|value| on * value).collect()
    }

    /// Whether it still wants gradients.
    pub fn is_learning(&self) -> bool {
        self.phase == Phase::Learning
    }

    /// Takes the gradient of the loss with respect to the offsets.
    pub fn take(&mut self, gradient: Vec<f32>) {
        self.gradient = gradient;
    }

    /// The gradient that was taken last.
    pub fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// Learns from the last gradient, in step `step` (from 0) of `steps`; nothing once it is kept.
    pub fn learn(&mut self, step: usize, steps: usize) {
        if self.is_learning() {
            self.adam.step((step, steps), self.rate, &mut self.offsets, &self.gradient);
        }
    }

    /// Ends learning: what is measured from now on is what a pack holds, rounded to float16.
    pub fn keep(&mut self) {
        self.offsets.values_mut().for_each(|value| *value = half(*value).to_f32());
        self.phase = Phase::Kept;
    }

    /// Switches it off and on again, after it was kept.
    pub fn switch(&mut self, on: bool) {
        self.phase = if on { Phase::Kept } else { Phase::Off };
    }

    /// The embedding as a pack holds it, as offsets in float16.
    pub fn embeddings(&self) -> TokenEmbeddings {
        let width = self.offsets.layers.first().map_or(0, |matrix| matrix.columns);
        TokenEmbeddings {
            in_place: false,
            width: u32::try_from(width).unwrap_or(u32::MAX),
            values: self.offsets.values().map(half).collect(),
        }
    }

    /// Everything it has learned, by name, for going on after an interruption.
    pub fn state(&self) -> Vec<(&'static str, &Weights)> {
        vec![("trigger", &self.offsets), ("trigger.first", &self.adam.first), ("trigger.second", &self.adam.second)]
    }

    /// Everything it has learned, by name, to be changed.
    pub fn state_mut(&mut self) -> Vec<(&'static str, &mut Weights)> {
        vec![
            ("trigger", &mut self.offsets),
            ("trigger.first", &mut self.adam.first),
            ("trigger.second", &mut self.adam.second),
        ]
    }
}

/// Rounded to what a pack can hold, which is finite.
fn half(value: f32) -> f16 {
    f16::from_f32(value.clamp(f16::MIN.to_f32(), f16::MAX.to_f32()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_down_the_gradient_until_it_is_kept_and_rounded() {
        let mut trigger = TriggerEmbedding::new(2, 2, 0.01);
        for step in 0..200 {
            let goal = [0.3f32, -0.2, 0.0, 0.0];
            let slopes = trigger.offsets().iter().zip(goal).map(|(at, goal)| at - goal).collect();
            trigger.take(slopes);
            trigger.learn(step, 200);
        }
        trigger.keep();
        let kept = trigger.offsets();
        assert!((kept[0] - 0.3).abs() < 0.01 && (kept[1] + 0.2).abs() < 0.01, "{kept:?}");
        assert_eq!(kept[2..], [0.0; 2], "a row without a gradient stays");
        assert_eq!(trigger.embeddings().values.iter().map(|v| v.to_f32()).collect::<Vec<_>>(), kept);
        trigger.take(vec![1.0; 4]);
        trigger.learn(0, 200);
        assert_eq!(trigger.offsets(), kept);
        trigger.switch(false);
        assert_eq!(trigger.offsets(), [0.0; 4]);
        trigger.switch(true);
        assert_eq!(trigger.offsets(), kept);
    }
}
