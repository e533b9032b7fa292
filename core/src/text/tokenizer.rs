//! Prompts to tokens.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::manifest::Text;

/// A CLIP tokenizer with the length its text encoder takes.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    text: Text,
}

/// A prompt as the text encoder takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Start, prompt, end, padding: exactly `max_length` ids.
    pub ids: Vec<u32>,
    /// How many ids stand before the padding, start and end included.
    pub used: usize,
    /// For each of `ids` the bytes of the prompt that it was made of; empty ranges for start, end and padding.
    pub spans: Vec<Range<usize>>,
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
        Ok(Self { inner, text })
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
        let encoding = self.encoding(prompt)?;
        let length = self.text.max_length as usize;
        let room = length.saturating_sub(2);
        let cut = encoding
            .get_offsets()
            .get(room)
            .and_then(|&(start, _)| prompt.get(start..))
            .map(|rest| rest.trim().to_owned());
        let mut ids = vec![self.text.bos_token_id];
        ids.extend(encoding.get_ids().iter().take(room));
        ids.push(self.text.eos_token_id);
        let used = ids.len();
        ids.resize(length, self.text.pad_token_id);
        let mut spans: Vec<Range<usize>> = std::iter::once(0..0).collect();
        spans.extend(encoding.get_offsets().iter().take(room).map(|&(start, end)| start..end));
        spans.resize(length, 0..0);
        Ok(Tokens { ids, used, spans, cut })
    }

    /// Positions in `tokens` that `trigger` takes up, every occurrence, ascending. Empty for an empty trigger.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the trigger cannot be tokenized.
    pub fn positions(&self, tokens: &Tokens, trigger: &str) -> Result<Vec<usize>> {
        let needle = self.ids(trigger)?;
        let mut found: Vec<usize> =
            starts(tokens, &needle).into_iter().flat_map(|start| start..start + needle.len()).collect();
        // Overlapping occurrences of a repetitive trigger.
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn encoding(&self, text: &str) -> Result<tokenizers::Encoding> {
        contained("it", || self.inner.encode(text, false))
            .map_err(|error| Error::request("prompt", format!("cannot be tokenized: {error}")))
    }
}

/// Where `needle` stands in the tokens of a prompt, every occurrence, ascending; nowhere if it is empty.
pub(crate) fn starts(tokens: &Tokens, needle: &[u32]) -> Vec<usize> {
    let prompt = tokens.ids.get(..tokens.used).unwrap_or_default();
    if needle.is_empty() {
        return Vec::new();
    }
    prompt.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle).map(|(start, _)| start).collect()
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
