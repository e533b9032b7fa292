//! Noisy pictures with what the model is to answer for them.

use cones_core::Scope;
use cones_core::sampling::scheduler::Diffusion;

use crate::error::{Error, Result};
use crate::examples::{Example, Examples, Part};
use crate::random::Random;
use crate::timesteps::Timesteps;

/// As many noisy latents as go through the U-Net at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// The noisy latents, one after another.
    pub samples: Vec<f32>,
    /// A timestep each.
    pub timesteps: Vec<f32>,
    /// What the model is to predict for each.
    pub targets: Vec<f32>,
    /// How much each counts in the loss.
    pub weights: Vec<f32>,
    /// Index of each one's prompt.
    pub captions: Vec<usize>,
    /// What each is there for.
    pub parts: Vec<Part>,
}

impl Batch {
    /// How many noisy pictures the batch holds.
    pub fn len(&self) -> usize {
        self.captions.len()
    }

    /// Whether the batch holds no picture.
    pub fn is_empty(&self) -> bool {
        self.captions.is_empty()
    }

    /// Adds one noisy picture.
    ///
    /// # Errors
    /// When the timestep is out of range.
    pub fn push(
        &mut self,
        diffusion: &Diffusion,
        example: &Example,
        timestep: usize,
        weight: f32,
        random: &mut Random,
    ) -> Result<()> {
        let start = self.samples.len();
        let mut noise = vec![0.0; example.latent.len()];
        random.normal(&mut noise);
        self.samples.resize(start + noise.len(), 0.0);
        self.targets.resize(start + noise.len(), 0.0);
        let (sample, target) = (&mut self.samples[start..], &mut self.targets[start..]);
        diffusion.mix(timestep, &example.latent, &noise, sample, target)?;
        self.timesteps.push(timestep as f32);
        self.weights.push(weight);
        self.captions.push(example.caption);
        self.parts.push(example.part);
        Ok(())
    }
}

/// How much pictures in company count against those of the subject alone.
pub(crate) const COMPANY: f32 = 0.5;

/// How a training batch is made up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    /// Pictures of the subject.
    pub subject: usize,
    /// Pictures of its class.
    pub class: usize,
    /// Pictures of the subject beside something else.
    pub company: usize,
    /// The λ of the concept-implanting loss: how much the class counts against the subject.
    pub prior: f32,
}

impl Mixture {
    /// A batch of `size` pictures. A third are of the class; with scope `trigger` none, because a prompt without the trigger
    /// is untouched by construction, so class pictures would teach nothing.
    pub fn new(size: usize, scope: Scope, prior: f32) -> Self {
        let class = if scope == Scope::Trigger { 0 } else { (size / 3).max(1) };
        Self { subject: size - class, class, company: 0, prior }
    }

    /// The same with a third of the subject's pictures in company.
    pub fn in_company(self) -> Self {
        let company = (self.subject / 3).max(1).min(self.subject.saturating_sub(1));
        Self { subject: self.subject - company, company: self.company + company, ..self }
    }

    /// Pictures of a batch, of all parts.
    pub fn size(&self) -> usize {
        self.subject + self.class + self.company
    }
}

/// A training batch: pictures at random, and timesteps as `timesteps` draws them. The weights make the loss
/// `mean over subject + λ · mean over class`.
///
/// # Errors
/// When there are no pictures of a part that is asked for.
pub fn draw(
    examples: &Examples,
    diffusion: &Diffusion,
    mixture: Mixture,
    timesteps: Timesteps,
    random: &mut Random,
) -> Result<Batch> {
    let mut batch = Batch::default();
    let parts = [
        (Part::Subject, mixture.subject, 1.0),
        (Part::Class, mixture.class, mixture.prior),
        (Part::Company, mixture.company, COMPANY),
    ];
    for (part, count, weight) in parts.into_iter().filter(|(_, count, _)| *count > 0) {
        let pictures = examples.of_part(part);
        for i in 0..count {
            let chosen = pictures.get(random.below(pictures.len()));
            let picture = chosen.ok_or(Error::NoExamples { part })?;
            let timestep = timesteps.draw(i, count, diffusion.timesteps(), random);
            batch.push(diffusion, picture, timestep, weight / count as f32, random)?;
        }
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_the_subjects_pictures_are_in_company_but_not_all() {
        let of = |size, scope| {
            let Mixture { subject, class, company, .. } = Mixture::new(size, scope, 1.0).in_company();
            (subject, class, company)
        };
        assert_eq!(of(12, Scope::Trigger), (8, 0, 4));
        assert_eq!(of(12, Scope::Prompt), (6, 4, 2));
        assert_eq!(of(2, Scope::Trigger), (1, 0, 1));
        assert_eq!(of(2, Scope::Prompt), (1, 1, 0));
        assert_eq!(Mixture::new(12, Scope::Trigger, 1.0).in_company().size(), 12);
    }
}
