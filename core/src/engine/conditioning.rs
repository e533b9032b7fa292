//! From the prompts of a request to K and V of its branches.

use std::time::Instant;

use super::Engine;
use super::job::Job;
use crate::attention::KeyValues;
use crate::attention::conditioning::Prompts;
use crate::cancel::CancelToken;
use crate::engine::outcome::Timings;
use crate::engine::request::Request;
use crate::engine::resolved::ResolvedRequest;
use crate::error::Result;
use crate::runtime::graphs;
use crate::subjects::in_place;
use crate::subjects::offsets::Offsets;
use crate::subjects::places::Side;
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;
use crate::subjects::words::{Shared, Words};
use crate::text::text_encoder::{self, Prompt};
use crate::text::tokenizer::Tokens;

impl Engine {
    /// K and V of each branch, negative prompt first.
    pub(super) fn condition(&mut self, job: &mut Job<'_>) -> Result<Vec<KeyValues>> {
        let tokens = std::mem::take(&mut job.tokens);
        for (_, tokens) in &tokens {
            if let Some(cut) = &tokens.cut {
                let room = self.bundle.manifest().text.max_length.saturating_sub(2);
                job.warnings.push(format!("the prompt is longer than {room} tokens; this was cut: `{cut}`"));
            }
        }
        let prompts = self.prompts(tokens, job.request)?;
        self.warn_of_absent_triggers(job, &prompts)?;
        let fresh = prompts.iter().any(|prompt| !self.prompts.holds(prompt));
        if fresh {
            let purpose = graphs::text(&self.bundle, self.arrangement.form);
            let loading = Instant::now();
            let encoder = self.text_encoder.get(&self.bundle, &self.place, purpose)?;
            job.timings.loading += loading.elapsed();
            for prompt in &prompts {
                self.prompts.encode(&self.bundle, encoder, prompt, job.cancel, &mut job.timings)?;
            }
            self.release(|engine| &mut engine.text_encoder);
        }
        let switching = Instant::now();
        let branches =
            prompts.iter().map(|prompt| self.prompts.key_values(&self.bundle, prompt, &job.request.subjects)).collect();
        job.timings.switching += switching.elapsed();
        branches
    }

    /// A prompt with its words told apart, and what the subjects' learned embeddings make of it.
    fn prompt(
        &self,
        tokens: Tokens,
        subjects: &[Subject],
        side: Side,
        shared: Shared,
        clip_skip: u32,
    ) -> Result<Prompt> {
        let words = Words::of(&self.tokenizer, &tokens, subjects, side, shared)?;
        let offsets = Offsets::of(&self.tokenizer, &tokens, &words, subjects)?;
        Ok(Prompt { tokens, offsets, words, clip_skip })
    }

    /// A prompt without weights, with its subjects.
    fn plain_prompt(&self, prompt: &str, subjects: &[Subject]) -> Result<Prompt> {
        let stand_ins = in_place::stand_ins(&self.tokenizer, subjects, Side::Prompt)?;
        self.prompt(self.tokenizer.encode_with(prompt, &stand_ins)?, subjects, Side::Prompt, Shared::Refused, 0)
    }

    /// Where in the tokens of a prompt, without weights, these words stand; where they are the trigger of a subject with learned
    /// vectors in its place, where those stand. Ascending.
    ///
    /// # Errors
    /// [`Error::BadRequest`](crate::Error::BadRequest) as [`generate`](Self::generate).
    pub fn positions(&self, prompt: &str, words: &str, subjects: &[Subject]) -> Result<Vec<usize>> {
        let of = subjects.iter().position(|subject| subject.trigger == words && subject.is_in_place());
        let prompt = self.plain_prompt(prompt, subjects)?;
        match of {
            Some(subject) => Ok(prompt.words.of_subject(subject).concat()),
            None => self.tokenizer.positions(&prompt.tokens, words),
        }
    }

    fn prompts(&self, tokens: Vec<(Side, Tokens)>, request: &Request) -> Result<Vec<Prompt>> {
        let shared = if request.blend { Shared::Blended } else { Shared::Refused };
        let prompts = tokens
            .into_iter()
            .map(|(side, tokens)| self.prompt(tokens, &request.subjects, side, shared, request.clip_skip_of(side)));
        prompts.collect()
    }

    /// Tokens of the prompts that take part, the negative one first; all in as many chunks as the longest.
    pub(super) fn tokens(&self, request: &Request, plan: &ResolvedRequest) -> Result<Vec<(Side, Tokens)>> {
        let mut all = Vec::new();
        for side in [Side::Negative, Side::Prompt].into_iter().filter(|side| *side == Side::Prompt || plan.guided) {
            let prompt = request.prompt_of(side);
            let stand_ins = in_place::stand_ins(&self.tokenizer, &request.subjects, side)?;
            let tokens = if request.prompt_weights {
                let tokens = self.tokenizer.encode_weighted_with(prompt, &stand_ins);
                tokens.map_err(|error| error.of_field(side.field()))?
            } else {
                self.tokenizer.encode_with(prompt, &stand_ins)?
            };
            all.push((side, tokens));
        }
        let text = self.bundle.manifest().text;
        let most = all.iter().map(|(_, tokens)| tokens.chunks(text)).max().unwrap_or(1);
        Ok(all.into_iter().map(|(side, tokens)| (side, tokens.lengthened(most, text))).collect())
    }

    fn prompts_of(&self, request: &Request) -> Result<Vec<Prompt>> {
        let plan = ResolvedRequest::new(request, &self.bundle)?;
        self.prompts(self.tokens(request, &plan)?, request)
    }

    /// The embeddings of a request's prompts, the negative one first where guidance is on: `max_length × hidden_size` for
    /// each chunk, weights and learned words included; as many chunks in both.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn embeddings(&mut self, request: &Request) -> Result<Vec<Vec<f32>>> {
        let prompts = self.prompts_of(request)?;
        let encoder =
            self.text_encoder.get(&self.bundle, &self.place, graphs::text(&self.bundle, self.arrangement.form))?;
        let cancel = CancelToken::new();
        prompts.iter().map(|prompt| text_encoder::embed(&self.bundle, encoder, prompt, &cancel)).collect()
    }

    /// K and V of a request's prompts as the U-Net gets them, the negative one first where guidance is on; for inspection and
    /// tests.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn conditions(&mut self, request: &Request) -> Result<Vec<KeyValues>> {
        let prompts = self.prompts_of(request)?;
        let encoder =
            self.text_encoder.get(&self.bundle, &self.place, graphs::text(&self.bundle, self.arrangement.form))?;
        for prompt in &prompts {
            self.prompts.encode(&self.bundle, encoder, prompt, &CancelToken::new(), &mut Timings::default())?;
        }
        prompts.iter().map(|prompt| self.prompts.key_values(&self.bundle, prompt, &request.subjects)).collect()
    }

    /// A subject is usually switched on to be in the picture, so its trigger should be in a prompt.
    fn warn_of_absent_triggers(&self, job: &mut Job<'_>, prompts: &[Prompt]) -> Result<()> {
        let on = job.request.subjects.iter().enumerate();
        for (i, subject) in on.filter(|(_, s)| s.strength > 0.0 && !s.trigger.trim().is_empty()) {
            if prompts.iter().any(|prompt| !prompt.words.of_subject(i).is_empty()) {
                continue;
            }
            let mut others = false;
            for prompt in prompts {
                others |= !self.tokenizer.positions(&prompt.tokens, &subject.trigger)?.is_empty();
            }
            let (name, trigger) = (&subject.name, &subject.trigger);
            let missing = if others { "stands for another subject in the prompt" } else { "is not in the prompt" };
            let effect = if subject.scope == Scope::Trigger { "; so it changes nothing" } else { "" };
            job.warnings.push(format!(
                "subject `{name}` is on, but its trigger `{trigger}` {missing}{effect} \
                 (`{{{name}}}` in a prompt stands for it)"
            ));
        }
        Ok(())
    }

    /// The text encoder's last hidden state for a prompt, `max_length × hidden_size`.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn embed(&mut self, prompt: &str) -> Result<Vec<f32>> {
        self.embed_with(prompt, &[])
    }

    /// The embedding of `prompt`, as [`embed`](Self::embed) gives it, with what subjects have learned of their triggers'
    /// tokens; their masks play no part.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn embed_with(&mut self, prompt: &str, subjects: &[Subject]) -> Result<Vec<f32>> {
        let prompt = self.plain_prompt(prompt, subjects)?;
        let encoder =
            self.text_encoder.get(&self.bundle, &self.place, graphs::text(&self.bundle, self.arrangement.form))?;
        text_encoder::embed(&self.bundle, encoder, &prompt, &CancelToken::new())
    }

    /// K and V of one prompt as the U-Net would get them; for inspection and tests.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn key_values(&mut self, prompt: &str, subjects: &[Subject]) -> Result<KeyValues> {
        let prompt = self.plain_prompt(prompt, subjects)?;
        let encoder =
            self.text_encoder.get(&self.bundle, &self.place, graphs::text(&self.bundle, self.arrangement.form))?;
        self.prompts.encode(&self.bundle, encoder, &prompt, &CancelToken::new(), &mut Timings::default())?;
        self.prompts.key_values(&self.bundle, &prompt, subjects)
    }

    /// Forgets encoded prompts, so that the next request encodes its own again.
    pub fn forget_prompts(&mut self) {
        self.prompts = Prompts::default();
    }
}
