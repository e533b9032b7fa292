//! From prompts and subjects to K and V.

use std::time::Instant;

use crate::attention::{Addition, Correction, KeyValues, Projection};
use crate::cancel::CancelToken;
use crate::engine::outcome::Timings;
use crate::error::{Error, Result};
use crate::model::bundle::Bundle;
use crate::runtime::session::Graph;
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;
use crate::text::text_encoder::{Prompt, embed};

/// Prompts whose base products are kept, at least 2: prompt and negative prompt of two requests in turn.
const KEPT: usize = 4;

/// Base products of the last prompts, so that another subject or seed does not encode them again.
#[derive(Debug, Default)]
pub(crate) struct Prompts {
    kept: Vec<(Prompt, Projection)>,
}

impl Prompts {
    /// Whether a prompt is encoded already.
    pub(crate) fn holds(&self, prompt: &Prompt) -> bool {
        self.kept.iter().any(|(kept, _)| kept.encodes_as(prompt))
    }

    /// Encodes a prompt unless it is held. It and the one encoded before it are held afterwards.
    pub(crate) fn encode(
        &mut self,
        bundle: &Bundle,
        encoder: &mut Graph,
        prompt: &Prompt,
        cancel: &CancelToken,
        timings: &mut Timings,
    ) -> Result<()> {
        // The one used last is forgotten last: else a new prompt could push out the negative prompt of its own request.
        if let Some(place) = self.kept.iter().position(|(kept, _)| kept.encodes_as(prompt)) {
            let held = self.kept.remove(place);
            self.kept.push(held);
            return Ok(());
        }
        let encoding = Instant::now();
        let embedding = embed(bundle, encoder, prompt, cancel)?;
        let encoding = encoding.elapsed();
        timings.runtime += encoding;
        timings.text += encoding;
        let projecting = Instant::now();
        let projection = Projection::new(bundle.attention(), &embedding, prompt.tokens.ids.len())?;
        timings.projecting += projecting.elapsed();
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push((prompt.clone(), projection));
        Ok(())
    }

    /// K and V of an encoded prompt with the subjects switched on.
    pub(crate) fn key_values(&self, bundle: &Bundle, prompt: &Prompt, subjects: &[Subject]) -> Result<KeyValues> {
        let (_, projection) = self
            .kept
            .iter()
            .find(|(kept, _)| kept.encodes_as(prompt))
            .ok_or_else(|| Error::request("prompt", "was not encoded"))?;
        let (corrections, additions) = (corrections(prompt, subjects), additions(subjects));
        Ok(projection.key_values_with(bundle.attention(), &corrections, &additions))
    }
}

/// The low-rank changes that are on.
fn additions(subjects: &[Subject]) -> Vec<Addition<'_>> {
    let on = subjects.iter().filter(|subject| subject.strength > 0.0);
    on.filter_map(|s| Some(Addition { low_rank: s.low_rank.as_deref()?, strength: s.strength })).collect()
}

/// Which masks are on for which tokens: tokens with the same set of subjects share one correction.
fn corrections<'s>(prompt: &Prompt, subjects: &'s [Subject]) -> Vec<Correction<'s>> {
    let mut by_token: Vec<Vec<usize>> = vec![Vec::new(); prompt.tokens.ids.len()];
    for (i, subject) in subjects.iter().enumerate().filter(|(_, s)| s.strength > 0.0) {
        match subject.scope {
            Scope::Prompt => by_token.iter_mut().for_each(|active| active.push(i)),
            Scope::Trigger => {
                for position in prompt.words.of_subject(i).iter().flatten().copied() {
                    // Once where a repetitive trigger overlaps itself.
                    if let Some(active) = by_token.get_mut(position).filter(|active| active.last() != Some(&i)) {
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
    let masks = |active: Vec<usize>| {
        active.into_iter().filter_map(|i| subjects.get(i)).map(|s| (s.mask.as_ref(), s.strength)).collect()
    };
    groups.into_iter().map(|(active, tokens)| Correction { tokens, masks: masks(active) }).collect()
}
