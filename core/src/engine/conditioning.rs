//! From the prompts of a request to K and V of its branches.

use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use super::job::Job;
use crate::attention::KeyValues;
use crate::attention::bias::BoxedTokens;
use crate::attention::conditioning::Prompts;
use crate::cancel::CancelToken;
use crate::engine::outcome::Timings;
use crate::engine::prompt_tokens::{Given, PromptTokens};
use crate::engine::request::Request;
use crate::engine::resolved::ResolvedRequest;
use crate::engine::word_box::WordBox;
use crate::error::{Error, Result};
use crate::model::bundle::{ENCODER_HID_PROJ, ENCODER_HIDDEN_STATES, TEXT_ENCODER, TEXT_ENCODER_2};
use crate::model::manifest::Manifest;
use crate::runtime::graphs;
use crate::subjects::in_place;
use crate::subjects::offsets::Offsets;
use crate::subjects::places::Side;
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;
use crate::subjects::words::{Shared, Words};
use crate::text::text_encoder::{self, Prompt, SecondPrompt};
use crate::text::tokenizer::{Tokenizer, Tokens};
use crate::text::{GivenEmbeds, PromptEmbeds};

impl Engine {
    /// K and V of each branch, negative prompt first.
    pub(super) fn condition(&mut self, job: &mut Job<'_>) -> Result<Vec<KeyValues>> {
        let tokens = std::mem::take(&mut job.tokens);
        for PromptTokens { tokens, .. } in &tokens {
            if let Some(cut) = &tokens.cut {
                let room = self.bundle.manifest().text.max_length.saturating_sub(2);
                job.warnings.push(format!("the prompt is longer than {room} tokens; this was cut: `{cut}`"));
            }
        }
        let sides: Vec<Side> = tokens.iter().map(|tokens| tokens.side).collect();
        let prompts = self.prompts(tokens, job.request)?;
        self.warn_of_absent_triggers(job, &prompts)?;
        job.boxed =
            sides.into_iter().zip(&prompts).map(|(side, p)| self.boxed(side, p, job.request)).collect::<Result<_>>()?;
        self.keep_encoded(&prompts, job.cancel, &mut job.timings)?;
        self.release(|engine| &mut engine.text_encoder);
        self.release(|engine| &mut engine.text_encoder_2);
        self.release(|engine| &mut engine.encoder_hid_proj);
        let switching = Instant::now();
        let branches =
            prompts.iter().map(|prompt| self.prompts.key_values(&self.bundle, prompt, &job.request.subjects)).collect();
        job.timings.switching += switching.elapsed();
        branches
    }

    /// The tokens of one of the prompts that have a box.
    fn boxed(&self, side: Side, prompt: &Prompt, request: &Request) -> Result<Vec<BoxedTokens>> {
        // Where nothing is to be, all of the picture is meant.
        let boxes = request.boxes.iter().filter(|_| side == Side::Prompt);
        let boxed = boxes.map(|area| {
            let tokens = self.tokens_of(area, prompt, &request.subjects)?;
            Ok(BoxedTokens { tokens, area: area.clone() })
        });
        boxed.collect()
    }

    /// Where in a prompt the words of a box stand.
    fn tokens_of(&self, area: &WordBox, prompt: &Prompt, subjects: &[Subject]) -> Result<Vec<usize>> {
        let words = &area.words;
        let named = area.subject().map(|name| {
            let place = subjects.iter().position(|subject| subject.name == name);
            place.ok_or_else(|| {
                Error::request("boxes", format!("hold `{words}`, and no subject of the request has that name"))
            })
        });
        let tokens = match named.transpose()?.or_else(|| in_place_of(words, subjects)) {
            Some(subject) => prompt.words.of_subject(subject).concat(),
            None if prompt.given.is_some() => {
                let reason = format!(
                    "hold `{words}`, and which of the embeddings these are is known of subjects alone: name one as `{{NAME}}`"
                );
                return Err(Error::request("boxes", reason));
            }
            None => self.tokenizer.positions(&prompt.tokens, words)?,
        };
        if tokens.is_empty() {
            return Err(Error::request("boxes", format!("hold `{words}`, which is not in the prompt")));
        }
        Ok(tokens)
    }

    /// Encodes the prompts that are not held from before.
    fn keep_encoded(&mut self, prompts: &[Prompt], cancel: &CancelToken, timings: &mut Timings) -> Result<()> {
        let mut fresh: Vec<&Prompt> = Vec::new();
        for prompt in prompts {
            if !self.prompts.holds(prompt) && !fresh.iter().any(|other| other.encodes_as(prompt)) {
                fresh.push(prompt);
            }
        }
        let embeds = self.encode_prompts(&fresh, cancel, timings)?;
        for (prompt, embeds) in fresh.into_iter().zip(embeds) {
            let embeds = self.project_text(embeds, cancel, timings)?;
            self.prompts.keep(&self.bundle, prompt, embeds, timings)?;
        }
        Ok(())
    }

    /// What K and V are made from: the embeddings, or what a model without a text encoder first makes of them.
    fn project_text(
        &mut self,
        mut embeds: PromptEmbeds,
        cancel: &CancelToken,
        timings: &mut Timings,
    ) -> Result<PromptEmbeds> {
        let manifest = self.bundle.manifest();
        let (width, context) = (manifest.embeds_size() as usize, manifest.context_size() as usize);
        if manifest.takes_mask() {
            embeds.prompt_embeds.resize(manifest.text.max_length as usize * width, 0.0);
        }
        if !manifest.projects_text() {
            return Ok(embeds);
        }
        let loading = Instant::now();
        let purpose = graphs::text(ENCODER_HID_PROJ, &self.bundle, self.arrangement.form);
        let graph = self.encoder_hid_proj.get(&self.bundle, &self.place, purpose)?;
        timings.loading += loading.elapsed();
        let encoding = Instant::now();
        let chunk = (self.bundle.manifest().text.max_length as usize).max(1);
        let mut projected = Vec::new();
        for given in embeds.prompt_embeds.chunks(chunk * width) {
            let shape = [1, given.len() / width, width];
            let values = graph.run(ENCODER_HIDDEN_STATES, &shape, given.to_vec(), cancel)?;
            projected.extend(text_encoder::checked(ENCODER_HID_PROJ, values, &[shape[1], context])?);
        }
        timings.encoded(encoding.elapsed());
        embeds.prompt_embeds = projected;
        Ok(embeds)
    }

    /// What the text encoders make of prompts. Of two encoders the first is done with all of them before the second is loaded.
    fn encode_prompts(
        &mut self,
        prompts: &[&Prompt],
        cancel: &CancelToken,
        timings: &mut Timings,
    ) -> Result<Vec<PromptEmbeds>> {
        // What a request brings along it brings of both prompts.
        if let Some(ready) = prompts.iter().map(|prompt| self.ready(prompt)).collect() {
            return Ok(ready);
        }
        let (form, second) = (self.arrangement.form, self.bundle.manifest().text_2);
        let loading = Instant::now();
        let purpose = graphs::text(TEXT_ENCODER, &self.bundle, form);
        let encoder = self.text_encoder.get(&self.bundle, &self.place, purpose)?;
        timings.loading += loading.elapsed();
        let encoding = Instant::now();
        let mut hidden = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let own = (!prompt.is_zeros).then(|| text_encoder::embed(&self.bundle, encoder, prompt, cancel));
            hidden.push(own.transpose()?);
        }
        timings.encoded(encoding.elapsed());
        let mut embeds = Vec::with_capacity(prompts.len());
        let Some(second) = second else {
            for (prompt, hidden) in prompts.iter().zip(hidden) {
                embeds.push(hidden.map_or_else(|| zeros(self.bundle.manifest(), prompt), PromptEmbeds::of_one));
            }
            return Ok(embeds);
        };
        self.release(|engine| &mut engine.text_encoder);
        let loading = Instant::now();
        let purpose = graphs::text(TEXT_ENCODER_2, &self.bundle, form);
        let encoder = self.text_encoder_2.get(&self.bundle, &self.place, purpose)?;
        timings.loading += loading.elapsed();
        let encoding = Instant::now();
        let widths = [self.bundle.manifest().text.hidden_size, second.hidden_size];
        for (prompt, first) in prompts.iter().zip(hidden) {
            let (Some(own), Some(first)) = (&prompt.second, first) else {
                embeds.push(zeros(self.bundle.manifest(), prompt));
                continue;
            };
            let (hidden, pooled) =
                text_encoder::embed_second(&self.bundle, encoder, (own, second), prompt.clip_skip, cancel)?;
            embeds.push(PromptEmbeds::of_two([&first, &hidden], widths, pooled));
        }
        timings.encoded(encoding.elapsed());
        Ok(embeds)
    }

    /// What no text encoder is asked for.
    fn ready(&self, prompt: &Prompt) -> Option<PromptEmbeds> {
        let given = prompt.given.as_deref().cloned();
        given.or_else(|| prompt.is_zeros.then(|| zeros(self.bundle.manifest(), prompt)))
    }

    /// A prompt with its words told apart, and what the subjects' learned embeddings make of it.
    fn prompt(&self, tokens: PromptTokens, subjects: &[Subject], shared: Shared, clip_skip: u32) -> Result<Prompt> {
        let PromptTokens { side, tokens, second, given } = tokens;
        if let Some(Given { embeds, words }) = given {
            let (offsets, given) = (Offsets::default(), Some(embeds));
            return Ok(Prompt { tokens, offsets, words, clip_skip: 0, second: None, is_zeros: false, given });
        }
        let words = Words::of(&self.tokenizer, &tokens, subjects, side, shared)?;
        let offsets = Offsets::of(&self.tokenizer, &tokens, &words, subjects)?;
        let second = match (second, &self.tokenizer_2) {
            (Some(tokens), Some(tokenizer)) => {
                let words = Words::of(tokenizer, &tokens, subjects, side, shared)?;
                Some(SecondPrompt { tokens, words })
            }
            _ => None,
        };
        let zeros_empty = self.bundle.manifest().text_2.is_some_and(|second| second.force_zeros_for_empty_prompt);
        let is_zeros = zeros_empty && side == Side::Negative && tokens.own.is_empty();
        Ok(Prompt { tokens, offsets, words, clip_skip, second, is_zeros, given: None })
    }

    /// A prompt without weights, with its subjects.
    fn plain_prompt(&self, prompt: &str, subjects: &[Subject]) -> Result<Prompt> {
        let tokens = self.side_tokens(Side::Prompt, prompt, subjects, false)?;
        self.prompt(tokens, subjects, Shared::Refused, 0)
    }

    /// Where in the tokens of a prompt, without weights, these words stand; where they are the trigger of a subject with learned
    /// vectors in its place, where those stand. Ascending.
    ///
    /// # Errors
    /// [`Error::BadRequest`](crate::Error::BadRequest) as [`generate`](Self::generate).
    pub fn positions(&self, prompt: &str, words: &str, subjects: &[Subject]) -> Result<Vec<usize>> {
        let prompt = self.plain_prompt(prompt, subjects)?;
        match in_place_of(words, subjects) {
            Some(subject) => Ok(prompt.words.of_subject(subject).concat()),
            None => self.tokenizer.positions(&prompt.tokens, words),
        }
    }

    fn prompts(&self, tokens: Vec<PromptTokens>, request: &Request) -> Result<Vec<Prompt>> {
        let shared = if request.blend { Shared::Blended } else { Shared::Refused };
        let prompts = tokens.into_iter().map(|tokens| {
            let clip_skip = request.clip_skip_of(tokens.side);
            self.prompt(tokens, &request.subjects, shared, clip_skip)
        });
        prompts.collect()
    }

    /// Tokens of the prompts that take part, the negative one first; all in as many chunks as the longest.
    pub(super) fn tokens(&self, request: &Request, plan: &ResolvedRequest) -> Result<Vec<PromptTokens>> {
        let mut all = Vec::new();
        for side in [Side::Negative, Side::Prompt].into_iter().filter(|side| *side == Side::Prompt || plan.guided) {
            all.push(match &request.prompt_embeds {
                Some(embeds) => self.given_tokens(side, embeds, &request.subjects)?,
                None => self.side_tokens(side, request.prompt_of(side), &request.subjects, request.prompt_weights)?,
            });
        }
        let manifest = self.bundle.manifest();
        let most = all.iter().map(|tokens| tokens.chunks(manifest)).max().unwrap_or(1);
        Ok(all.into_iter().map(|tokens| tokens.lengthened(most, manifest)).collect())
    }

    /// The tokens that stand for one of the prompts that a request brought along as embeddings.
    fn given_tokens(&self, side: Side, embeds: &GivenEmbeds, subjects: &[Subject]) -> Result<PromptTokens> {
        let own =
            embeds.on(side).ok_or_else(|| Error::request("prompt_embeds", "say nothing of the negative prompt"))?;
        let words = Words::given(subjects.iter().map(|subject| embeds.words_of(subject, side)));
        let tokens = Tokens::unread(embeds.tokens(self.bundle.manifest()));
        Ok(PromptTokens { side, tokens, second: None, given: Some(Given { embeds: Arc::clone(own), words }) })
    }

    /// The tokens of one prompt for each text encoder.
    fn side_tokens(&self, side: Side, prompt: &str, subjects: &[Subject], weighted: bool) -> Result<PromptTokens> {
        let of = |tokenizer: &Tokenizer| {
            let stand_ins = in_place::stand_ins(tokenizer, subjects, side)?;
            if !weighted {
                return tokenizer.encode_with(prompt, &stand_ins);
            }
            tokenizer.encode_weighted_with(prompt, &stand_ins).map_err(|error| error.of_field(side.field()))
        };
        let second = self.tokenizer_2.as_ref().map(of).transpose()?;
        Ok(PromptTokens { side, tokens: of(&self.tokenizer)?, second, given: None })
    }

    fn prompts_of(&self, request: &Request) -> Result<Vec<Prompt>> {
        let plan = ResolvedRequest::new(request, &self.bundle)?;
        self.prompts(self.tokens(request, &plan)?, request)
    }

    /// The embeddings of a request's prompts, the negative one first where guidance is on: `max_length × width` for each
    /// chunk, weights and learned words included; as many chunks in both. K and V are made from them, or, in a model without a text
    /// encoder, from what it may first project them to.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn embeddings(&mut self, request: &Request) -> Result<Vec<Vec<f32>>> {
        let prompts = self.prompts_of(request)?;
        let prompts: Vec<&Prompt> = prompts.iter().collect();
        let embeds = self.encode_prompts(&prompts, &CancelToken::new(), &mut Timings::default())?;
        Ok(embeds.into_iter().map(|embeds| embeds.prompt_embeds).collect())
    }

    /// K and V of a request's prompts as the U-Net gets them, the negative one first where guidance is on; for inspection and
    /// tests.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn conditions(&mut self, request: &Request) -> Result<Vec<KeyValues>> {
        let prompts = self.prompts_of(request)?;
        self.keep_encoded(&prompts, &CancelToken::new(), &mut Timings::default())?;
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
            for prompt in prompts.iter().filter(|prompt| prompt.given.is_none()) {
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

    /// What K and V of a prompt are made from, `max_length × columns`: the text encoder's last hidden state, or of two encoders
    /// what both give.
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
        Ok(self.encode_plain(&prompt)?.prompt_embeds)
    }

    /// All that the text encoders make of a prompt, its pooled embedding included.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn encode_prompt(&mut self, prompt: &str) -> Result<PromptEmbeds> {
        let prompt = self.plain_prompt(prompt, &[])?;
        self.encode_plain(&prompt)
    }

    fn encode_plain(&mut self, prompt: &Prompt) -> Result<PromptEmbeds> {
        let mut embeds = self.encode_prompts(&[prompt], &CancelToken::new(), &mut Timings::default())?;
        embeds.pop().ok_or_else(|| Error::request("prompt", "was not encoded"))
    }

    /// K and V of one prompt as the U-Net would get them; for inspection and tests.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn key_values(&mut self, prompt: &str, subjects: &[Subject]) -> Result<KeyValues> {
        let prompt = self.plain_prompt(prompt, subjects)?;
        self.keep_encoded(std::slice::from_ref(&prompt), &CancelToken::new(), &mut Timings::default())?;
        self.prompts.key_values(&self.bundle, &prompt, subjects)
    }

    /// Forgets encoded prompts, so that the next request encodes its own again.
    pub fn forget_prompts(&mut self) {
        self.prompts = Prompts::default();
    }
}

/// The subject whose learned vectors stand in the place of these words.
fn in_place_of(words: &str, subjects: &[Subject]) -> Option<usize> {
    subjects.iter().position(|subject| subject.trigger == words && subject.is_in_place())
}

/// What an empty prompt is where the model was trained with nothing in its place.
fn zeros(manifest: &Manifest, prompt: &Prompt) -> PromptEmbeds {
    let pooled = manifest.text_2.map_or(0, |second| second.projection_dim as usize);
    let context = prompt.tokens.ids.len() * manifest.embeds_size() as usize;
    PromptEmbeds { prompt_embeds: vec![0.0; context], pooled_prompt_embeds: vec![0.0; pooled] }
}
