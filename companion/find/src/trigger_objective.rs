//! The loss as a function of the weights and of the trigger's embedding.
//!
//! ```text
//! offsets ─ text encoder ─ hidden states ─ projection ─ U-Net ─ loss
//!    └──────── dL/dc through it ←─ dK·W, dV·W ←─ dL/dK, dL/dV ──┘
//! ```

use std::collections::BTreeMap;

use cones_core::model::bundle::{EMBEDDING_OFFSETS, TEXT_ENCODER, TOKENIZER};
use cones_core::text::tokenizer::Tokenizer;
use cones_core::{Bundle, CancelToken};
use cones_gradient::{GradientOptions, TextGradient};
use cones_onnx::Model;

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::examples::Examples;
use crate::graph_objective::GraphObjective;
use crate::objective::Objective;
use crate::trigger_embedding::TriggerEmbedding;
use crate::weights::Weights;

/// Which trigger's embedding is learned, and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TriggerSpec<'a> {
    /// The words that stand for the subject, as `<v1> dog`.
    pub trigger: &'a str,
    /// The subject's class, as `dog`: the tokens of this word are not learned.
    pub class: &'a str,
    /// Adam's learning rate, in units of the root mean square of the table of embeddings.
    pub rate: f64,
}

/// A [`GraphObjective`] whose prompts are encoded with the trigger's embedding.
#[derive(Debug)]
pub struct TriggerObjective<'a> {
    graph: GraphObjective<'a>,
    text: TextGradient,
    trigger: TriggerEmbedding,
    /// Which tokens of the trigger are learned.
    learned: Vec<bool>,
    prompts: BTreeMap<usize, Prompt>,
    /// The offsets that the prompts are encoded with now; none before the first time.
    encoded: Option<Vec<f32>>,
}

/// A prompt that holds the trigger.
#[derive(Debug)]
struct Prompt {
    ids: Vec<u32>,
    /// The table's embeddings, tokens × width.
    embeddings: Vec<f32>,
    /// Where the trigger's first token stands, each time.
    starts: Vec<usize>,
    /// Numbers in its hidden state.
    hidden: usize,
}

/// Whether packs with learned embeddings can be drawn with this bundle.
///
/// # Errors
/// [`cones_core::Error::BadBundle`] when its text encoder does not take them.
pub fn check(bundle: &Bundle) -> Result<()> {
    let file = bundle.file(TEXT_ENCODER)?;
    if bundle.manifest().text_2.is_some() {
        let reason = format!("`{}` has two text encoders, and a word is learned for one alone", bundle.manifest().name);
        return Err(cones_core::Error::bad_bundle(file, reason, "leave out --learn-trigger").into());
    }
    let model = Model::open(&file)?;
    if model.graph()?.input.iter().any(|input| input.name() == EMBEDDING_OFFSETS) {
        return Ok(());
    }
    let reason = format!("it has no input `{EMBEDDING_OFFSETS}`, so no learned embedding could be drawn with it");
    let hint = "import or install this base model again with this version, or leave out --learn-trigger";
    Err(cones_core::Error::bad_bundle(file, reason, hint).into())
}

impl<'a> TriggerObjective<'a> {
    /// Differentiates the text encoder, and finds the trigger's tokens in the prompts.
    ///
    /// # Errors
    /// As [`check`] and [`TextGradient::new`]; when the trigger is nothing but the class word.
    pub fn new(
        graph: GraphObjective<'a>,
        bundle: &Bundle,
        examples: &Examples,
        spec: &TriggerSpec<'_>,
        options: &GradientOptions,
    ) -> Result<Self> {
        check(bundle)?;
        let tokenizer = Tokenizer::open(&bundle.file(TOKENIZER)?, bundle.manifest().text)?;
        let learned = new_words(&tokenizer.ids(spec.trigger)?, &tokenizer.ids(spec.class)?);
        if !learned.contains(&true) {
            return Err(Error::Trigger {
                trigger: spec.trigger.to_owned(),
                reason: "holds no word besides the class word, so there is no embedding to learn".into(),
                hint: format!("give a trigger with a new word, as --trigger '<v1> {}'", spec.class),
            });
        }
        let text = TextGradient::new(bundle, 1, options)?;
        let mut prompts = BTreeMap::new();
        for (index, caption) in examples.captions.iter().enumerate() {
            let places = caption.triggers.first().map_or(&[][..], Vec::as_slice);
            // A prompt names it once, if at all, or several times one after another.
            let starts: Vec<usize> = places.iter().copied().step_by(learned.len()).collect();
            if !starts.is_empty() {
                let ids = tokenizer.encode(&caption.text)?.ids;
                let embeddings = text.embeddings(&ids)?;
                prompts.insert(index, Prompt { ids, embeddings, starts, hidden: caption.embedding.len() });
            }
        }
        let trigger = TriggerEmbedding::new(learned.len(), text.width(), spec.rate * text.scale()?);
        Ok(Self { graph, text, trigger, learned, prompts, encoded: None })
    }

    /// Encodes the prompts anew where the offsets have changed.
    fn encode(&mut self, cancel: &CancelToken) -> Result<()> {
        let offsets = self.trigger.offsets();
        if self.encoded.as_ref() == Some(&offsets) {
            return Ok(());
        }
        for (&index, prompt) in &self.prompts {
            let embeddings = prompt.with(&offsets, self.text.width());
            self.text.step(&prompt.ids, &embeddings, &vec![0.0; prompt.hidden], cancel)?;
            self.graph.set_embedding(index, self.text.hidden_state()?.to_vec())?;
        }
        self.encoded = Some(offsets);
        Ok(())
    }

    /// From the gradients of hidden states to that of the offsets.
    fn back(&mut self, gradients: &BTreeMap<usize, Vec<f32>>, cancel: &CancelToken) -> Result<Vec<f32>> {
        let (offsets, width) = (self.trigger.offsets(), self.text.width());
        let mut sum = vec![0.0; offsets.len()];
        for (index, gradient) in gradients {
            let Some(prompt) = self.prompts.get(index) else { continue };
            self.text.step(&prompt.ids, &prompt.with(&offsets, width), gradient, cancel)?;
            let slopes = self.text.gradient()?;
            for start in &prompt.starts {
                sum.iter_mut().zip(slopes.iter().skip(start * width)).for_each(|(sum, slope)| *sum += slope);
            }
        }
        for (row, learned) in sum.chunks_exact_mut(width.max(1)).zip(&self.learned) {
            if !learned {
                row.fill(0.0);
            }
        }
        Ok(sum)
    }
}

impl Prompt {
    /// Its embeddings with the offsets added at each occurrence of the trigger.
    fn with(&self, offsets: &[f32], width: usize) -> Vec<f32> {
        let mut embeddings = self.embeddings.clone();
        for start in &self.starts {
            embeddings.iter_mut().skip(start * width).zip(offsets).for_each(|(value, offset)| *value += offset);
        }
        embeddings
    }
}

impl Objective for TriggerObjective<'_> {
    fn gradient(
        &mut self,
        weights: &Weights,
        batch: &Batch,
        gradient: &mut Weights,
        cancel: &CancelToken,
    ) -> Result<f64> {
        self.encode(cancel)?;
        let loss = self.graph.gradient(weights, batch, gradient, cancel)?;
        if self.trigger.is_learning() {
            let captions: Vec<usize> = self.prompts.keys().copied().collect();
            let gradients = self.graph.embedding_gradients(weights, batch, &captions)?;
            let slopes = self.back(&gradients, cancel)?;
            self.trigger.take(slopes);
        }
        Ok(loss)
    }

    fn losses(&mut self, weights: &Weights, batch: &Batch, cancel: &CancelToken) -> Result<Vec<f64>> {
        self.encode(cancel)?;
        self.graph.losses(weights, batch, cancel)
    }

    fn trigger(&mut self) -> Option<&mut TriggerEmbedding> {
        Some(&mut self.trigger)
    }
}

/// Which tokens of the trigger are of new words: all but those of the class, where it stands last.
fn new_words(trigger: &[u32], class: &[u32]) -> Vec<bool> {
    let mut new = vec![true; trigger.len()];
    let place = (!class.is_empty()).then(|| trigger.windows(class.len()).rposition(|window| window == class)).flatten();
    if let Some(start) = place {
        new.iter_mut().skip(start).take(class.len()).for_each(|token| *token = false);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_word_is_not_learned() {
        assert_eq!(new_words(&[7, 3], &[3]), [true, false]);
        assert_eq!(new_words(&[3, 7, 3, 4], &[3, 4]), [true, true, false, false]);
        assert_eq!(new_words(&[3, 7], &[3]), [false, true]);
        assert_eq!(new_words(&[7, 8], &[3]), [true, true]);
        assert_eq!(new_words(&[7], &[]), [true]);
        assert_eq!(new_words(&[3], &[3]), [false]);
    }
}
