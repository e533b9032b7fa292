//! From prompts and subjects to K and V.

use crate::attention::{Correction, KeyValues, Projection};
use crate::bundle::Bundle;
use crate::session::Graph;
use crate::tokenizer::{Tokenizer, Tokens};
use crate::{CancelToken, Error, Result, Scope, Subject};

/// Prompts whose base products are kept, at least 2: prompt and negative prompt of two requests in turn.
const KEPT: usize = 4;

/// Base products of the last prompts, so that another subject or seed does not encode them again.
#[derive(Debug, Default)]
pub(crate) struct Prompts {
    kept: Vec<(Vec<u32>, Projection)>,
}

impl Prompts {
    /// Whether the text encoder is needed for these tokens.
    pub(crate) fn holds(&self, tokens: &Tokens) -> bool {
        self.kept.iter().any(|(ids, _)| *ids == tokens.ids)
    }

    /// Encodes a prompt unless it is held. It and the one encoded before it are held afterwards.
    pub(crate) fn encode(
        &mut self,
        bundle: &Bundle,
        encoder: &mut Graph,
        tokens: &Tokens,
        cancel: &CancelToken,
    ) -> Result<()> {
        // The one used last is forgotten last: else a new prompt could push out the negative prompt of its own request.
        if let Some(place) = self.kept.iter().position(|(ids, _)| *ids == tokens.ids) {
            let held = self.kept.remove(place);
            self.kept.push(held);
            return Ok(());
        }
        let embedding = embed(bundle, encoder, tokens, cancel)?;
        let projection = Projection::new(bundle.attention(), &embedding, tokens.ids.len());
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push((tokens.ids.clone(), projection));
        Ok(())
    }

    /// K and V of an encoded prompt with the subjects switched on.
    pub(crate) fn key_values(
        &self,
        bundle: &Bundle,
        tokenizer: &Tokenizer,
        tokens: &Tokens,
        subjects: &[Subject],
    ) -> Result<KeyValues> {
        let (_, projection) = self
            .kept
            .iter()
            .find(|(ids, _)| *ids == tokens.ids)
            .ok_or_else(|| Error::request("prompt", "was not encoded"))?;
        let corrections = corrections(bundle, tokenizer, tokens, subjects)?;
        Ok(projection.key_values(bundle.attention(), &corrections))
    }
}

/// The last hidden state, `max_length × hidden_size`.
pub(crate) fn embed(bundle: &Bundle, encoder: &mut Graph, tokens: &Tokens, cancel: &CancelToken) -> Result<Vec<f32>> {
    let text = bundle.manifest().text;
    let ids: Vec<i64> = tokens.ids.iter().map(|&id| i64::from(id)).collect();
    let (shape, embedding) = encoder.run("input_ids", &[1, tokens.ids.len()], ids, cancel)?;
    let expected = [1, text.max_length as usize, text.hidden_size as usize];
    if shape != expected {
        let reason = format!("it gave shape {shape:?} instead of {expected:?}");
        return Err(Error::bundle(crate::bundle::TEXT_ENCODER, reason));
    }
    Ok(embedding)
}

/// Which weights are scaled for which tokens: tokens with the same set of subjects share one correction.
fn corrections(
    bundle: &Bundle,
    tokenizer: &Tokenizer,
    tokens: &Tokens,
    subjects: &[Subject],
) -> Result<Vec<Correction>> {
    let mut by_token: Vec<Vec<usize>> = vec![Vec::new(); tokens.ids.len()];
    for (i, subject) in subjects.iter().enumerate().filter(|(_, s)| s.strength > 0.0) {
        match subject.scope {
            Scope::Prompt => by_token.iter_mut().for_each(|active| active.push(i)),
            Scope::Trigger => {
                for position in tokenizer.positions(tokens, &subject.trigger)? {
                    if let Some(active) = by_token.get_mut(position) {
                        active.push(i);
                    }
                }
            }
        }
    }
    let mut groups: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for (token, active) in by_token.into_iter().enumerate().filter(|(_, active)| !active.is_empty()) {
        match groups.iter_mut().find(|(set, _)| *set == active) {
            Some((_, members)) => members.push(token),
            None => groups.push((active, vec![token])),
        }
    }
    let layers = bundle.manifest().layers.len();
    Ok(groups
        .into_iter()
        .map(|(active, tokens)| {
            let factors = (0..layers).map(|layer| factors(layer, &active, subjects)).collect();
            Correction { tokens, factors }
        })
        .collect())
}

/// The union of the active subjects' neurons in one layer; where several share a neuron their factors multiply.
fn factors(layer: usize, active: &[usize], subjects: &[Subject]) -> Vec<(usize, f32)> {
    let mut all: Vec<(usize, f32)> = active
        .iter()
        .filter_map(|&i| subjects.get(i))
        .flat_map(|s| s.mask.weighted(layer).map(|(neuron, factor)| (neuron, at_strength(factor, s.strength))))
        .collect();
    if active.len() > 1 {
        all.sort_by_key(|&(neuron, _)| neuron);
        all.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 *= later.1;
            }
            same
        });
    }
    all
}

/// The factor between 1 (off) and what the mask says; exactly `1 - strength` for a neuron that is shut.
fn at_strength(factor: f32, strength: f32) -> f32 {
    1.0 - strength * (1.0 - factor)
}
