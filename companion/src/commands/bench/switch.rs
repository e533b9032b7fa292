//! Switching subjects: masks applied, K and V made anew. No step is drawn, so it takes milliseconds at any size.

use std::time::Instant;

use cones_core::attention::{Correction, Projection};
use cones_core::model::weights::AttentionWeights;
use cones_core::{ConceptMask, Engine};
use ndarray::ArrayView2;
use serde::Serialize;

use super::dense;
use crate::failure::Failure;

/// Embeddings of prompt and negative prompt, and two sets of subjects that take turns.
pub(super) struct Switch {
    /// Each `tokens × columns`.
    prompt: Vec<f32>,
    negative: Vec<f32>,
    tokens: usize,
    on: Vec<ConceptMask>,
    next: Vec<ConceptMask>,
}

/// What an answer holds.
#[derive(Serialize)]
pub(super) struct Switched {
    /// Of the prompt alone.
    prompt: Cases,
    /// Of prompt and negative prompt together.
    both: Cases,
    /// How many neurons the subjects have.
    neurons: usize,
    /// How many weights they choose from.
    weights: usize,
    /// What a prompt's base products take in memory.
    base_bytes: usize,
    /// Seconds for the masked weights multiplied anew instead, of the prompt alone.
    dense: f64,
    /// Seconds for the masked weights multiplied anew, of prompt and negative prompt at once.
    dense_both: f64,
}

/// Seconds.
#[derive(Serialize, Clone, Copy)]
struct Cases {
    /// A new prompt, its embedding given, with subjects on.
    new_prompt: f64,
    /// Of these, the base products.
    projection: f64,
    /// The prompt again, with other subjects.
    other_subjects: f64,
    /// The prompt again, with no subject.
    all_off: f64,
}

impl Switch {
    /// Encodes the prompts and draws the masks of so many subjects, which shut this share of the weights together.
    pub(super) fn new(engine: &mut Engine, prompt: &str, subjects: u32, share: f64) -> Result<Self, Failure> {
        let (prompt, negative) = (engine.embed(prompt)?, engine.embed("")?);
        let manifest = engine.bundle().manifest();
        let count = subjects.max(1);
        let mask = |seed: u32| ConceptMask::random(&manifest.layers, share / f64::from(count), seed.into());
        let (on, next) = ((0..count).map(mask).collect(), (count..2 * count).map(mask).collect());
        Ok(Self { prompt, negative, tokens: manifest.text.max_length as usize, on, next })
    }

    /// Times all cases, ending with the other set of subjects than the time before.
    pub(super) fn time(&mut self, engine: &Engine) -> Result<Switched, Failure> {
        let weights = engine.bundle().attention();
        let (prompt, base_bytes) = self.branch(weights, &self.prompt)?;
        let (negative, _) = self.branch(weights, &self.negative)?;
        let (dense, dense_both) = (self.dense(weights, 1)?, self.dense(weights, 2)?);
        std::mem::swap(&mut self.on, &mut self.next);
        Ok(Switched {
            prompt,
            both: prompt.and(negative),
            neurons: self.on.iter().map(ConceptMask::count).sum(),
            weights: self.on.first().map_or(0, ConceptMask::total),
            base_bytes,
            dense,
            dense_both,
        })
    }

    fn branch(&self, weights: &AttentionWeights, embedding: &[f32]) -> Result<(Cases, usize), Failure> {
        let (on, next) = (self.correction(&self.on), self.correction(&self.next));
        let start = Instant::now();
        let base = Projection::new(weights, embedding, self.tokens)?;
        let projection = start.elapsed().as_secs_f64();
        let switched = |corrections: &[Correction<'_>]| {
            let start = Instant::now();
            let key_values = base.key_values(weights, corrections);
            let seconds = start.elapsed().as_secs_f64();
            // What nobody looks at might not be computed.
            std::hint::black_box(key_values);
            seconds
        };
        let new_prompt = projection + switched(&on);
        let (other_subjects, all_off) = (switched(&next), switched(&[]));
        Ok((Cases { new_prompt, projection, other_subjects, all_off }, base.bytes()))
    }

    fn dense(&self, weights: &AttentionWeights, branches: usize) -> Result<f64, Failure> {
        let tokens = branches * self.tokens;
        let embedding: Vec<f32> = self.prompt.iter().chain(&self.negative).copied().collect();
        let values = &embedding[..embedding.len() / 2 * branches];
        let embedding = ArrayView2::from_shape((tokens, values.len() / tokens), values)?;
        let start = Instant::now();
        let key_values = dense::key_values(weights, embedding, &self.next)?;
        let seconds = start.elapsed().as_secs_f64();
        std::hint::black_box(key_values);
        Ok(seconds)
    }

    /// On for the whole prompt.
    fn correction<'m>(&self, masks: &'m [ConceptMask]) -> [Correction<'m>; 1] {
        let masks = masks.iter().map(|mask| (mask, 1.0)).collect();
        [Correction::new((0..self.tokens).collect(), masks)]
    }
}

impl Cases {
    fn and(self, other: Self) -> Self {
        Self {
            new_prompt: self.new_prompt + other.new_prompt,
            projection: self.projection + other.projection,
            other_subjects: self.other_subjects + other.other_subjects,
            all_off: self.all_off + other.all_off,
        }
    }
}
