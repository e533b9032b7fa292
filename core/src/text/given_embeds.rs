//! Embeddings that an app brings in the place of prompts: a text encoder of its own makes them, as a phone's language model.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::subjects::places::Side;
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;
use crate::text::PromptEmbeds;
use crate::text::chunks::MOST_CHUNKS;

/// The field of a request that errors name.
const FIELD: &str = "prompt_embeds";

/// What stands in the place of a request's prompts: diffusers' `prompt_embeds` and `negative_prompt_embeds`, with those that are pooled.
///
/// Each is `tokens × width`, row-major: `tokens` is the length of the bundle's text encoder
/// ([`Text::max_length`](crate::model::manifest::Text::max_length)) or several times that, the same for both, and `width` is that of
/// its embeddings ([`Manifest::embeds_size`]). Shorter prompts are padded by whoever made them; not for a base model that is told which
/// tokens there are ([`Manifest::takes_mask`]), to which each is given as long as it is. No text encoder of the bundle runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GivenEmbeds {
    /// Of what to draw.
    pub prompt: Arc<PromptEmbeds>,
    /// Of what to stay away from; needed where guidance is on.
    pub negative: Option<Arc<PromptEmbeds>>,
    /// At which tokens of `prompt` the words of a subject stand, by its name: a subject of the scope `trigger` changes those.
    pub words: Vec<(String, Vec<usize>)>,
}

impl GivenEmbeds {
    /// Embeddings of what to draw.
    #[must_use]
    pub fn new(prompt: PromptEmbeds) -> Self {
        Self { prompt: Arc::new(prompt), negative: None, words: Vec::new() }
    }

    /// Stays away from this.
    #[must_use]
    pub fn with_negative(mut self, negative: PromptEmbeds) -> Self {
        self.negative = Some(Arc::new(negative));
        self
    }

    /// Says at which tokens of the prompt the words of the subject of this name stand.
    #[must_use]
    pub fn with_words(mut self, subject: impl Into<String>, tokens: Vec<usize>) -> Self {
        self.words.push((subject.into(), tokens));
        self
    }

    /// How many tokens each has, those included that fill up.
    pub(crate) fn tokens(&self, manifest: &Manifest) -> usize {
        if manifest.takes_mask() { manifest.text.max_length as usize } else { self.own_tokens(manifest) }
    }

    /// How many tokens the prompt has of its own.
    fn own_tokens(&self, manifest: &Manifest) -> usize {
        self.prompt.prompt_embeds.len() / width(manifest)
    }

    /// One of both; nothing where it was not given.
    pub(crate) fn on(&self, side: Side) -> Option<&Arc<PromptEmbeds>> {
        match side {
            Side::Prompt => Some(&self.prompt),
            Side::Negative => self.negative.as_ref(),
        }
    }

    /// Where the words of a subject stand, ascending and each once; nowhere in the negative prompt.
    pub(crate) fn words_of(&self, subject: &Subject, side: Side) -> Vec<usize> {
        let own = self.words.iter().filter(|(name, _)| side == Side::Prompt && *name == subject.name);
        let mut tokens: Vec<usize> = own.flat_map(|(_, tokens)| tokens).copied().collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    /// Whether a bundle can draw from them, `guided` or not, with these subjects.
    ///
    /// # Errors
    /// [`Error::BadRequest`] of `prompt_embeds`, with what would fit.
    pub(crate) fn check(&self, manifest: &Manifest, guided: bool, subjects: &[Subject]) -> Result<()> {
        self.check_size("the prompt's", &self.prompt, manifest)?;
        if let Some(negative) = &self.negative {
            self.check_size("the negative prompt's", negative, manifest)?;
        } else if guided {
            return refused(
                "say nothing of the negative prompt, which guidance takes: give it too, or set guidance to 1",
            );
        }
        let tokens = self.own_tokens(manifest);
        for (name, words) in &self.words {
            if !subjects.iter().any(|subject| subject.name == *name) {
                return refused(format!("say where the words of `{name}` stand, and no subject of that name is on"));
            }
            if let Some(beyond) = words.iter().find(|token| **token >= tokens) {
                return refused(format!(
                    "say that words of `{name}` stand at token {beyond}; there are {tokens}, from 0"
                ));
            }
        }
        for subject in subjects.iter().filter(|subject| subject.strength > 0.0) {
            let name = &subject.name;
            if subject.embeddings.is_some() {
                return refused(format!(
                    "stand in the place of prompts, and `{name}` has learned words, which only the bundle's own text encoder reads"
                ));
            }
            if subject.scope == Scope::Trigger && self.words_of(subject, Side::Prompt).is_empty() {
                return refused(format!(
                    "do not say at which tokens the words of `{name}` stand, and only there it changes anything: say so \
                     (`words`), or take the scope `prompt`"
                ));
            }
        }
        Ok(())
    }

    fn check_size(&self, whose: &str, embeds: &PromptEmbeds, manifest: &Manifest) -> Result<()> {
        let (length, width) = ((manifest.text.max_length as usize).max(1), width(manifest));
        let (numbers, chunk) = (embeds.prompt_embeds.len(), length.saturating_mul(width));
        if manifest.takes_mask() {
            if numbers == 0 || !numbers.is_multiple_of(width) || numbers > chunk {
                return refused(format!("hold {numbers} numbers where {whose} are 1 to {length} tokens of {width}"));
            }
            return finite(whose, embeds);
        }
        if numbers == 0 || !numbers.is_multiple_of(chunk) || numbers / chunk > MOST_CHUNKS {
            return refused(format!(
                "hold {numbers} numbers where {whose} are {length} tokens of {width}, {chunk} in all, or up to {MOST_CHUNKS} times \
                 as many tokens"
            ));
        }
        if numbers != self.prompt.prompt_embeds.len() {
            let (own, other) = (self.own_tokens(manifest), numbers / width);
            return refused(format!("are of {own} tokens, and {whose} of {other}: pad the shorter one"));
        }
        let pooled = manifest.text_2.map_or(0, |second| second.projection_dim as usize);
        if embeds.pooled_prompt_embeds.len() != pooled {
            let found = embeds.pooled_prompt_embeds.len();
            return refused(format!("hold {found} pooled numbers where {whose} are {pooled}"));
        }
        finite(whose, embeds)
    }
}

fn finite(whose: &str, embeds: &PromptEmbeds) -> Result<()> {
    let mut numbers = embeds.prompt_embeds.iter().chain(&embeds.pooled_prompt_embeds);
    if numbers.any(|number| !number.is_finite()) {
        return refused(format!("hold a value that is no number, among {whose}"));
    }
    Ok(())
}

/// Numbers of a token; a manifest that was checked has some.
fn width(manifest: &Manifest) -> usize {
    (manifest.embeds_size() as usize).max(1)
}

fn refused<T>(reason: impl Into<String>) -> Result<T> {
    Err(Error::request(FIELD, reason))
}
