//! The text encoder: tokens to the last hidden state.

use std::borrow::Cow;
use std::ops::Range;

use ort::session::SessionInputValue;

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::model::bundle::{Bundle, EMBEDDING_OFFSETS, TEXT_ENCODER, skipped_state};
use crate::runtime::finite;
use crate::runtime::session::Graph;
use crate::subjects::offsets::Offsets;
use crate::subjects::words::Words;
use crate::text::tokenizer::Tokens;
use crate::text::weighting;

/// A prompt as the text encoder takes it.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub(crate) tokens: Tokens,
    /// What subjects add to the tokens' embeddings.
    pub(crate) offsets: Offsets,
    /// Which of its words stand for which subject.
    pub(crate) words: Words,
    /// The text encoder's last layers that are left out.
    pub(crate) clip_skip: u32,
}

impl Prompt {
    /// Whether both are encoded to the same hidden state.
    pub(crate) fn encodes_as(&self, other: &Self) -> bool {
        self.tokens.ids == other.tokens.ids
            && self.tokens.weights == other.tokens.weights
            && self.offsets.values == other.offsets.values
            && self.clip_skip == other.clip_skip
    }
}

/// The last hidden state with its weights, `max_length × hidden_size` for each chunk.
pub(crate) fn embed(bundle: &Bundle, encoder: &mut Graph, prompt: &Prompt, cancel: &CancelToken) -> Result<Vec<f32>> {
    let length = (bundle.manifest().text.max_length as usize).max(1);
    let mut embedding = Vec::new();
    for (chunk, weights) in prompt.tokens.weights.chunks(length).enumerate() {
        let mut hidden = embed_chunk(bundle, encoder, prompt, chunk * length..(chunk + 1) * length, cancel)?;
        weighting::weigh(&mut hidden, weights)?;
        embedding.extend(hidden);
    }
    Ok(embedding)
}

/// The last hidden state of the tokens at some places.
fn embed_chunk(
    bundle: &Bundle,
    encoder: &mut Graph,
    prompt: &Prompt,
    places: Range<usize>,
    cancel: &CancelToken,
) -> Result<Vec<f32>> {
    let text = bundle.manifest().text;
    let ids = prompt.tokens.ids.get(places.clone()).unwrap_or_default();
    let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
    let ids = encoder.tensor("input_ids", &[1, ids.len()], ids)?;
    let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = ort::inputs!["input_ids" => ids];
    if let Some((shape, values)) = offsets(bundle, encoder, prompt, places)? {
        let tensor = encoder.tensor(EMBEDDING_OFFSETS, &shape, values)?;
        inputs.push((EMBEDDING_OFFSETS.into(), tensor.into()));
    }
    let skipped = (prompt.clip_skip > 0).then(|| skipped_state(prompt.clip_skip));
    let (shape, embedding) = encoder.run_to(inputs, skipped.as_deref(), cancel)?;
    let expected = [1, text.max_length as usize, text.hidden_size as usize];
    if shape != expected {
        let reason = format!("it gave shape {shape:?} instead of {expected:?}");
        return Err(Error::bundle(TEXT_ENCODER, reason));
    }
    finite::check(TEXT_ENCODER, &embedding)?;
    Ok(embedding)
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
