//! How good a mask is, on noise and timesteps that nothing was learned from.

use cones_core::CancelToken;
use cones_core::sampling::scheduler::Diffusion;
use serde::{Deserialize, Serialize};

use crate::batch::{Batch, COMPANY};
use crate::error::Result;
use crate::examples::{Examples, Part};
use crate::objective::Objective;
use crate::random::Random;
use crate::timesteps::Timesteps;
use crate::weights::Weights;

/// Mean losses by part; a part without pictures has none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Losses {
    /// On the subject's pictures.
    pub subject: f64,
    /// On pictures of its class.
    pub class: Option<f64>,
    /// On other pictures.
    pub other: Option<f64>,
    /// On the subject beside something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<f64>,
}

impl Losses {
    /// What a mask is chosen by: how much better it draws the subject, less λ times how much worse the class and the
    /// others. Smaller is better; the base model has 0.
    pub fn cost(&self, base: &Self, prior: f64) -> f64 {
        let harm = |now: Option<f64>, before: Option<f64>| match (now, before) {
            // Drawing others better than before is no merit.
            (Some(now), Some(before)) => (now - before).max(0.0),
            _ => 0.0,
        };
        let company = self.company.zip(base.company).map_or(0.0, |(now, before)| f64::from(COMPANY) * (now - before));
        self.subject - base.subject + company + prior * (harm(self.class, base.class) + harm(self.other, base.other))
    }
}

/// A fixed set of noisy pictures.
#[derive(Debug)]
pub struct HeldOut {
    batches: Vec<Batch>,
}

impl HeldOut {
    /// Draws `count` noisy pictures of each part, in batches of `size`. `seed` should differ from the training's.
    ///
    /// # Errors
    /// When the latents do not fit.
    pub fn new(examples: &Examples, diffusion: &Diffusion, count: usize, size: usize, seed: u64) -> Result<Self> {
        let mut batches = vec![];
        let mut batch = Batch::default();
        for (place, part) in (0..).zip([Part::Subject, Part::Class, Part::Other, Part::Company]) {
            let pictures = examples.of_part(part);
            // Far from the places of training steps.
            let mut random = Random::new(seed, (1 << 40) + place);
            for i in 0..if pictures.is_empty() { 0 } else { count } {
                let Some(picture) = pictures.get(i % pictures.len()) else { continue };
                let timestep = Timesteps::Even.draw(i, count, diffusion.timesteps(), &mut random);
                batch.push(diffusion, picture, timestep, 1.0, &mut random)?;
                if batch.len() == size.max(1) {
                    batches.push(std::mem::take(&mut batch));
                }
            }
        }
        fill_up(&mut batch, size);
        if !batch.is_empty() {
            batches.push(batch);
        }
        Ok(Self { batches })
    }

    /// The mean losses under given weights.
    ///
    /// # Errors
    /// As [`Objective::losses`].
    pub fn measure(&self, objective: &mut dyn Objective, weights: &Weights, cancel: &CancelToken) -> Result<Losses> {
        let mut sums = [(0.0, 0usize); 4];
        for batch in &self.batches {
            let losses = objective.losses(weights, batch, cancel)?;
            for ((loss, part), weight) in losses.into_iter().zip(&batch.parts).zip(&batch.weights) {
                if let Some((sum, count)) = sums.get_mut(*part as usize).filter(|_| *weight > 0.0) {
                    *sum += loss;
                    *count += 1;
                }
            }
        }
        let mean = |(sum, count): (f64, usize)| (count > 0).then(|| sum / count as f64);
        let [subject, class, other, company] = sums.map(mean);
        Ok(Losses { subject: subject.unwrap_or_default(), class, other, company })
    }
}

/// The graph takes batches of one size only: the last one is filled with samples that do not count.
fn fill_up(batch: &mut Batch, size: usize) {
    if batch.is_empty() {
        return;
    }
    let each = batch.samples.len() / batch.len();
    while batch.len() < size {
        batch.samples.extend_from_within(..each);
        batch.targets.extend_from_within(..each);
        batch.timesteps.extend_from_within(..1);
        batch.captions.extend_from_within(..1);
        batch.parts.extend_from_within(..1);
        batch.weights.push(0.0);
    }
}
