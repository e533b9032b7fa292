//! From prompts and subjects to K and V.

use std::ops::Range;
use std::time::Instant;

use crate::attention::{Addition, Correction, KeyValues, Projection};
use crate::engine::outcome::Timings;
use crate::error::{Error, Result};
use crate::model::bundle::Bundle;
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;
use crate::subjects::words::Words;
use crate::text::PromptEmbeds;
use crate::text::text_encoder::Prompt;

/// Prompts whose base products are kept, at least 2: prompt and negative prompt of two requests in turn.
const KEPT: usize = 4;

/// Base products of the last prompts, so that another subject or seed does not encode them again.
#[derive(Debug, Default)]
pub(crate) struct Prompts {
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    prompt: Prompt,
    projection: Projection,
    /// The prompt's pooled embedding, where there is one.
    text_embeds: Vec<f32>,
}

impl Prompts {
    /// Whether a prompt is encoded already. If so, it is forgotten last: else a new prompt could push out the negative prompt of
    /// its own request.
    pub(crate) fn holds(&mut self, prompt: &Prompt) -> bool {
        let Some(place) = self.kept.iter().position(|kept| kept.prompt.encodes_as(prompt)) else { return false };
        let held = self.kept.remove(place);
        self.kept.push(held);
        true
    }

    /// Holds what a prompt was encoded to.
    pub(crate) fn keep(
        &mut self,
        bundle: &Bundle,
        prompt: &Prompt,
        embeds: PromptEmbeds,
        timings: &mut Timings,
    ) -> Result<()> {
        let projecting = Instant::now();
        let PromptEmbeds { prompt_embeds, pooled_prompt_embeds: text_embeds } = embeds;
        let projection = Projection::new(bundle.attention(), &prompt_embeds, prompt.tokens.ids.len())?;
        timings.projecting += projecting.elapsed();
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push(Kept { prompt: prompt.clone(), projection, text_embeds });
        Ok(())
    }

    /// K and V of an encoded prompt with the subjects switched on.
    pub(crate) fn key_values(&self, bundle: &Bundle, prompt: &Prompt, subjects: &[Subject]) -> Result<KeyValues> {
        let kept = self
            .kept
            .iter()
            .find(|kept| kept.prompt.encodes_as(prompt))
            .ok_or_else(|| Error::request("prompt", "was not encoded"))?;
        let first = bundle.manifest().text.hidden_size as usize;
        let (corrections, additions) = (corrections(prompt, subjects, first), additions(subjects));
        let key_values = kept.projection.key_values_with(bundle.attention(), &corrections, &additions);
        let (text_embeds, encoder_attention_mask) = (kept.text_embeds.clone(), mask(bundle, prompt));
        Ok(KeyValues { text_embeds, encoder_attention_mask, ..key_values })
    }
}

/// Which of the tokens are the prompt's, where the U-Net is told so.
fn mask(bundle: &Bundle, prompt: &Prompt) -> Vec<f32> {
    let (manifest, given) = (bundle.manifest(), prompt.given.as_ref());
    let Some(given) = given.filter(|_| manifest.takes_mask()) else { return Vec::new() };
    let own = given.prompt_embeds.len() / (manifest.embeds_size() as usize).max(1);
    (0..prompt.tokens.ids.len()).map(|token| if token < own { 1.0 } else { 0.0 }).collect()
}

/// The low-rank changes that are on.
fn additions(subjects: &[Subject]) -> Vec<Addition<'_>> {
    let on = subjects.iter().filter(|subject| subject.strength > 0.0);
    on.filter_map(|s| Some(Addition { low_rank: s.low_rank.as_deref()?, strength: s.strength })).collect()
}

/// Which masks are on for which tokens. Of two text encoders the `first` columns of a row are the one's, and the rest the other's:
/// where a prompt's words stand at other tokens of the second, each half of a row has its own masks.
fn corrections<'s>(prompt: &Prompt, subjects: &'s [Subject], first: usize) -> Vec<Correction<'s>> {
    let tokens = prompt.tokens.ids.len();
    let own = by_token(&prompt.words, tokens, subjects);
    let other = prompt.second.as_ref().map(|second| by_token(&second.words, tokens, subjects));
    match other {
        Some(other) if other != own => {
            let halves = [(own, 0..first), (other, first..usize::MAX)];
            halves.into_iter().flat_map(|(by_token, columns)| grouped(by_token, subjects, &columns)).collect()
        }
        _ => grouped(own, subjects, &(0..usize::MAX)),
    }
}

/// The subjects that are on for each token.
fn by_token(words: &Words, tokens: usize, subjects: &[Subject]) -> Vec<Vec<usize>> {
    let mut by_token: Vec<Vec<usize>> = vec![Vec::new(); tokens];
    for (i, subject) in subjects.iter().enumerate().filter(|(_, s)| s.strength > 0.0) {
        match subject.scope {
            Scope::Prompt => by_token.iter_mut().for_each(|active| active.push(i)),
            Scope::Trigger => {
                for position in words.of_subject(i).iter().flatten().copied() {
                    // Once where a repetitive trigger overlaps itself.
                    if let Some(active) = by_token.get_mut(position).filter(|active| active.last() != Some(&i)) {
                        active.push(i);
                    }
                }
            }
        }
    }
    by_token
}

/// Tokens with the same set of subjects share one correction.
fn grouped<'s>(by_token: Vec<Vec<usize>>, subjects: &'s [Subject], columns: &Range<usize>) -> Vec<Correction<'s>> {
    let mut groups: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for (token, active) in by_token.into_iter().enumerate().filter(|(_, active)| !active.is_empty()) {
        match groups.iter_mut().find(|(set, _)| *set == active) {
            Some((_, members)) => members.push(token),
            None => groups.push((active, vec![token])),
        }
    }
    let masks = |active: Vec<usize>| {
        active.into_iter().filter_map(|i| subjects.get(i)).map(|s| (s.mask.as_ref(), s.strength)).collect()
    };
    let correction = |(active, tokens)| Correction::new(tokens, masks(active)).of_columns(columns.clone());
    groups.into_iter().map(correction).collect()
}
