//! The text encoders: tokens to hidden states.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use ort::session::SessionInputValue;

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::model::bundle::{
    Bundle, EMBEDDING_OFFSETS, PENULTIMATE, TEXT_EMBEDS, TEXT_ENCODER, TEXT_ENCODER_2, skipped_state,
};
use crate::model::manifest::SecondText;
use crate::runtime::finite;
use crate::runtime::session::Graph;
use crate::subjects::offsets::Offsets;
use crate::subjects::words::Words;
use crate::text::tokenizer::Tokens;
use crate::text::{PromptEmbeds, weighting};

/// A prompt as the text encoders take it.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub(crate) tokens: Tokens,
    /// What subjects add to the tokens' embeddings.
    pub(crate) offsets: Offsets,
    /// Which of its words stand for which subject.
    pub(crate) words: Words,
    /// The text encoders' last layers that are left out.
    pub(crate) clip_skip: u32,
    /// As the second text encoder takes it, where there is one.
    pub(crate) second: Option<SecondPrompt>,
    /// Whether it is zeros, and not encoded at all.
    pub(crate) is_zeros: bool,
    /// What it is, where the request brought that along: then it is not encoded at all, and its tokens say nothing.
    pub(crate) given: Option<Arc<PromptEmbeds>>,
}

/// A prompt as the second text encoder takes it. Its tokens may be others, and stand elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct SecondPrompt {
    pub(crate) tokens: Tokens,
    /// Which of its words stand for which subject.
    pub(crate) words: Words,
}

impl Prompt {
    /// Whether both are encoded to the same hidden states.
    pub(crate) fn encodes_as(&self, other: &Self) -> bool {
        fn read(tokens: &Tokens) -> (&[u32], &[f32]) {
            (&tokens.ids, &tokens.weights)
        }
        fn second(prompt: &Prompt) -> Option<&Tokens> {
            prompt.second.as_ref().map(|second| &second.tokens)
        }
        if self.given.is_some() || other.given.is_some() {
            return self.given == other.given;
        }
        read(&self.tokens) == read(&other.tokens)
            && second(self).map(read) == second(other).map(read)
            && self.offsets.values == other.offsets.values
            && self.clip_skip == other.clip_skip
            && self.is_zeros == other.is_zeros
    }
}

/// The first text encoder's hidden state with its weights, `max_length × hidden_size` for each chunk.
pub(crate) fn embed(bundle: &Bundle, encoder: &mut Graph, prompt: &Prompt, cancel: &CancelToken) -> Result<Vec<f32>> {
    let text = bundle.manifest().text;
    let length = (text.max_length as usize).max(1);
    let skipped = (prompt.clip_skip > 0).then(|| skipped_state(prompt.clip_skip));
    let mut embedding = Vec::new();
    for (chunk, weights) in prompt.tokens.weights.chunks(length).enumerate() {
        let places = chunk * length..(chunk + 1) * length;
        let offsets = offsets(bundle, encoder, prompt, places.clone())?;
        let inputs = inputs(encoder, &prompt.tokens, places, offsets)?;
        let given = encoder.run_to(inputs, skipped.as_deref(), cancel)?;
        let mut hidden = checked(TEXT_ENCODER, given, &[length, text.hidden_size as usize])?;
        weighting::weigh(&mut hidden, weights)?;
        embedding.extend(hidden);
    }
    Ok(embedding)
}

/// The second text encoder's hidden state in the same way, and its pooled embedding of the first chunk, which no weight changes:
/// as in AUTOMATIC1111's web UI.
pub(crate) fn embed_second(
    bundle: &Bundle,
    encoder: &mut Graph,
    (prompt, second): (&SecondPrompt, SecondText),
    clip_skip: u32,
    cancel: &CancelToken,
) -> Result<(Vec<f32>, Vec<f32>)> {
    let length = (bundle.manifest().text.max_length as usize).max(1);
    let hidden_state = if clip_skip > 0 { skipped_state(clip_skip) } else { PENULTIMATE.to_owned() };
    let (mut embedding, mut pooled) = (Vec::new(), None);
    for (chunk, weights) in prompt.tokens.weights.chunks(length).enumerate() {
        let inputs = inputs(encoder, &prompt.tokens, chunk * length..(chunk + 1) * length, None)?;
        let [hidden, whole] = encoder.run_to_both(inputs, [&hidden_state, TEXT_EMBEDS], cancel)?;
        let mut hidden = checked(TEXT_ENCODER_2, hidden, &[length, second.hidden_size as usize])?;
        let whole = checked(TEXT_ENCODER_2, whole, &[second.projection_dim as usize])?;
        weighting::weigh(&mut hidden, weights)?;
        embedding.extend(hidden);
        pooled.get_or_insert(whole);
    }
    Ok((embedding, pooled.unwrap_or_default()))
}

/// The values, which are to be of one sample of this shape, and finite.
pub(crate) fn checked(
    graph: &'static str,
    (shape, values): (Vec<usize>, Vec<f32>),
    of_one: &[usize],
) -> Result<Vec<f32>> {
    if shape.first() != Some(&1) || shape.get(1..) != Some(of_one) {
        let expected: Vec<usize> = std::iter::once(1).chain(of_one.iter().copied()).collect();
        let reason = format!("it gave shape {shape:?} instead of {expected:?}");
        return Err(Error::bundle(graph, reason));
    }
    finite::check(graph, &values)?;
    Ok(values)
}

type Inputs<'v> = Vec<(Cow<'v, str>, SessionInputValue<'v>)>;

/// What an encoder takes for the tokens at some places.
fn inputs(
    encoder: &Graph,
    tokens: &Tokens,
    places: Range<usize>,
    offsets: Option<([usize; 3], Vec<f32>)>,
) -> Result<Inputs<'static>> {
    let ids = tokens.ids.get(places).unwrap_or_default();
    let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
    let ids = encoder.tensor("input_ids", &[1, ids.len()], ids)?;
    let mut inputs: Inputs<'_> = ort::inputs!["input_ids" => ids];
    if let Some((shape, values)) = offsets {
        let tensor = encoder.tensor(EMBEDDING_OFFSETS, &shape, values)?;
        inputs.push((EMBEDDING_OFFSETS.into(), tensor.into()));
    }
    Ok(inputs)
}

/// What the graph takes beside the tokens: zeros where nothing is added; nothing where it was imported by a version that
/// knew of no learned embeddings.
fn offsets(
    bundle: &Bundle,
    encoder: &Graph,
    prompt: &Prompt,
    places: Range<usize>,
) -> Result<Option<([usize; 3], Vec<f32>)>> {
    let Offsets { values, width, subject } = &prompt.offsets;
    let tokens = places.len();
    if !encoder.takes(EMBEDDING_OFFSETS) {
        return if values.is_empty() { Ok(None) } else { Err(takes_none(bundle, subject)) };
    }
    let (_, shape) = encoder.input(EMBEDDING_OFFSETS)?;
    let own = shape.last().and_then(|&wide| usize::try_from(wide).ok()).filter(|_| shape.len() == 3);
    let Some(own) = own else {
        let reason = format!("its `{EMBEDDING_OFFSETS}` has shape {shape:?} instead of [1, {tokens}, width]");
        return Err(Error::bundle(TEXT_ENCODER, reason));
    };
    if values.is_empty() {
        return Ok(Some(([1, tokens, own], vec![0.0; tokens * own])));
    }
    if *width != own {
        let reason = format!("its learned embeddings are {width} wide, those of `{}` {own}", bundle.manifest().name);
        return Err(Error::WrongModel { subject: subject.clone(), reason });
    }
    let values = values.get(places.start * own..places.end * own).unwrap_or_default();
    Ok(Some(([1, tokens, own], values.to_vec())))
}

fn takes_none(bundle: &Bundle, subject: &str) -> Error {
    Error::BadBundle {
        path: bundle.path().join(TEXT_ENCODER),
        reason: format!("it has no input `{EMBEDDING_OFFSETS}`, and subject `{subject}` has learned embeddings"),
        hint:
            "import or install this base model again with this version, or switch on a pack without learned embeddings"
                .into(),
    }
}
