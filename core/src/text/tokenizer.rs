//! Prompts to tokens.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::manifest::Text;
use crate::text::stand_in::{self, Found, Placed, StandIns};

/// A CLIP tokenizer with the length its text encoder takes.
pub struct Tokenizer {
    /// None of a base model that reads no prompts.
    inner: Option<tokenizers::Tokenizer>,
    pub(super) text: Text,
}

/// A prompt as the text encoder takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokens {
    /// Start, prompt, end, padding: exactly `max_length` ids, or so many for each chunk of a long prompt.
    pub ids: Vec<u32>,
    /// How many ids are no padding, start and end included.
    pub used: usize,
    /// For each of `ids` the bytes of the prompt that it was made of; empty ranges for start, end and padding.
    pub spans: Vec<Range<usize>>,
    /// For each of `ids` how much its row of the embedding weighs; 1 where nothing is said.
    pub weights: Vec<f32>,
    /// Places in `ids` of the prompt's own tokens, ascending.
    pub own: Vec<usize>,
    /// Those of the own tokens that stand in the place of words.
    pub(crate) placed: Vec<Placed>,
    /// How many of the own tokens stand before each `BREAK`, ascending.
    pub breaks: Vec<usize>,
    /// What did not fit, as it was written.
    pub cut: Option<String>,
}

impl Tokenizer {
    /// Reads a Hugging Face `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::BadBundle`] when the file is not one, or has no such tokens as `text` starts, ends and fills with.
    pub fn open(path: &Path, text: Text) -> Result<Self> {
        let bad = |reason: String| Error::bundle(path, format!("not a tokenizer: {reason}"));
        let bytes = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
        // Damage is told by line and column here, before `tokenizers` meets it.
        serde_json::from_slice::<serde_json::Value>(&bytes).map_err(|error| bad(error.to_string()))?;
        let mut inner = contained("reading it", || tokenizers::Tokenizer::from_bytes(&bytes)).map_err(bad)?;
        // Length and padding are ours: a file may come with either switched on.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| Error::bundle(path, error.to_string()))?;
        for id in [text.bos_token_id, text.eos_token_id, text.pad_token_id] {
            if inner.id_to_token(id).is_none() {
                return Err(Error::bundle(path, format!("it has no token {id}, which the manifest names")));
            }
        }
        Ok(Self { inner: Some(inner), text })
    }

    /// Of a base model without a text encoder: it reads nothing, and says so.
    pub(crate) fn absent(text: Text) -> Self {
        Self { inner: None, text }
    }

    /// The ids of a text alone, without start, end and padding, and without a limit.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the text cannot be tokenized.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self.encoding(text)?.get_ids().to_vec())
    }

    /// Tokens of a prompt, cut or padded to `max_length`.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the text cannot be tokenized.
    pub fn encode(&self, prompt: &str) -> Result<Tokens> {
        self.encode_with(prompt, &StandIns::default())
    }

    /// The tokens of a prompt with others in the place of some words.
    pub(crate) fn encode_with(&self, prompt: &str, stand_ins: &StandIns) -> Result<Tokens> {
        let found = stand_ins.find(prompt, &|byte| byte);
        let mut pieces = self.pieces(prompt, &found)?;
        let length = self.text.max_length as usize;
        let room = length.saturating_sub(2);
        let cut = pieces.get(room).and_then(|piece| prompt.get(piece.span.start..)).map(|rest| rest.trim().to_owned());
        pieces.truncate(room);
        let mut ids = vec![self.text.bos_token_id];
        ids.extend(pieces.iter().map(|piece| piece.id));
        ids.push(self.text.eos_token_id);
        let used = ids.len();
        ids.resize(length, self.text.pad_token_id);
        let mut spans: Vec<Range<usize>> = std::iter::once(0..0).collect();
        spans.extend(pieces.iter().map(|piece| piece.span.clone()));
        spans.resize(length, 0..0);
        let own = (1..used.saturating_sub(1)).collect();
        let placed = stand_in::placed(&found, (1..).zip(pieces.iter().map(|piece| piece.found)));
        Ok(Tokens { ids, used, spans, weights: vec![1.0; length], own, placed, breaks: Vec::new(), cut })
    }

    /// Positions in `tokens` that `trigger` takes up, every occurrence, ascending. Empty for an empty trigger.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the trigger cannot be tokenized.
    pub fn positions(&self, tokens: &Tokens, trigger: &str) -> Result<Vec<usize>> {
        let needle = self.ids(trigger)?;
        let mut found: Vec<usize> = occurrences(tokens, &needle).into_iter().flatten().collect();
        // Overlapping occurrences of a repetitive trigger.
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The id of a token as the vocabulary writes it.
    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.inner.as_ref()?.token_to_id(token)
    }

    /// The tokens of a text, those in the place of `found` words among them.
    pub(super) fn pieces(&self, text: &str, found: &[Found]) -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut end = 0;
        for (number, found) in found.iter().enumerate() {
            self.plain_pieces(text, end..found.bytes.start, &mut pieces)?;
            let piece = |id: &u32| Piece { id: *id, span: found.bytes.clone(), found: Some(number) };
            pieces.extend(found.ids.iter().map(piece));
            end = found.bytes.end;
        }
        self.plain_pieces(text, end..text.len(), &mut pieces)?;
        Ok(pieces)
    }

    fn plain_pieces(&self, text: &str, bytes: Range<usize>, pieces: &mut Vec<Piece>) -> Result<()> {
        let Some(part) = text.get(bytes.clone()).filter(|part| !part.is_empty()) else { return Ok(()) };
        let encoding = self.encoding(part)?;
        let tokens = encoding.get_ids().iter().zip(encoding.get_offsets());
        let span = |&(start, end): &(usize, usize)| bytes.start + start..bytes.start + end;
        pieces.extend(tokens.map(|(id, offsets)| Piece { id: *id, span: span(offsets), found: None }));
        Ok(())
    }

    fn encoding(&self, text: &str) -> Result<tokenizers::Encoding> {
        let Some(inner) = &self.inner else {
            let reason = "cannot be read: this base model has no text encoder; bring embeddings (`prompt_embeds`)";
            return Err(Error::request("prompt", reason));
        };
        contained("it", || inner.encode(text, false))
            .map_err(|error| Error::request("prompt", format!("cannot be tokenized: {error}")))
    }
}

/// A token, the bytes of the text that it is made of, and the number of the find in whose place it stands.
pub(super) struct Piece {
    pub(super) id: u32,
    pub(super) span: Range<usize>,
    pub(super) found: Option<usize>,
}

/// The places of `needle` in the tokens of a prompt, every occurrence, ascending; none if it is empty. One may go on in the
/// next chunk, but not behind a `BREAK`.
pub(crate) fn occurrences(tokens: &Tokens, needle: &[u32]) -> Vec<Vec<usize>> {
    if needle.is_empty() {
        return Vec::new();
    }
    let id = |place: &usize| tokens.ids.get(*place).copied();
    let whole = |start: usize| !tokens.breaks.iter().any(|at| (start + 1..start + needle.len()).contains(at));
    let windows = tokens.own.windows(needle.len()).enumerate();
    let found =
        windows.filter(|(start, window)| window.iter().map(id).eq(needle.iter().map(|id| Some(*id))) && whole(*start));
    found.map(|(_, window)| window.to_vec()).collect()
}

/// Runs a piece of the `tokenizers` crate, which panics (`expect`, slices) at some files that are no tokenizer of anybody's.
///
/// A panic there leaves nothing of ours half done: what was being made is dropped.
fn contained<T>(what: &str, piece: impl FnOnce() -> tokenizers::Result<T>) -> std::result::Result<T, String> {
    match catch_unwind(AssertUnwindSafe(piece)) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{what} panicked in the tokenizers crate")),
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("text", &self.text).finish_non_exhaustive()
    }
}
