//! The tokenizer of a diffusers folder as one `tokenizer.json`, with the numbers of its special tokens.
//!
//! Folders hold it in many ways: `tokenizer.json`, or `vocab.json` and `merges.txt`, with the special tokens in one or
//! more of four other files. What comes out tokenizes as transformers' `CLIPTokenizer` does.

mod added_tokens;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use cones_core::model::manifest::Text;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::text_config::TextEncoder;
use added_tokens::{AddedToken, AddedTokens};
use vocabulary::Vocabulary;

/// Classes of transformers that make the same of such a folder.
const CLASSES: [&str; 2] = ["CLIPTokenizer", "CLIPTokenizerFast"];

/// A tokenizer as a bundle has it.
#[derive(Debug)]
pub(super) struct Tokenizer {
    /// What the text encoder takes.
    pub(super) text: Text,
    /// The bytes of `tokenizer.json`.
    pub(super) bytes: Vec<u8>,
}

/// Where a tokenizer's vocabulary lies.
enum Place {
    /// `tokenizer.json`.
    Whole(PathBuf),
    /// `vocab.json` and `merges.txt`.
    Parts(PathBuf, PathBuf),
}

/// Reads the tokenizer of a folder with configurations. Where it has none, the export script may have put one beside the
/// graphs.
///
/// Token numbers are those of the tokenizer's own special tokens: the text encoder's configuration has wrong ones in
/// many old folders, Stable Diffusion 1.5's among them.
///
/// `name` is what diffusers calls it: `tokenizer`, or `tokenizer_2` of a model with two.
pub(super) fn read(configurations: &Path, onnx: &Path, name: &str, encoder: &TextEncoder) -> Result<Tokenizer> {
    let folder = configurations.join(name);
    let settings_file = folder.join("tokenizer_config.json");
    let settings = Json::read_if_there(&settings_file)?.unwrap_or_else(|| Json::empty(&settings_file));
    check(&settings)?;
    match find(&folder, &onnx.join(format!("{name}.json")))? {
        Place::Whole(file) => {
            let json = Json::read(&file)?;
            let added = AddedTokens::read(&folder, &settings, Some(&json))?;
            let made = Made::new(Vocabulary::of(&json)?, &added);
            let text = made.text(&settings, encoder, &file)?;
            // As it was published, where that says the same.
            let is_same = made.json.as_object() == Some(json.entries());
            let bytes =
                if is_same { std::fs::read(&file).map_err(Error::io("read", &file))? } else { made.bytes(&file)? };
            Ok(Tokenizer { text, bytes })
        }
        Place::Parts(vocab, merges) => {
            let added = AddedTokens::read(&folder, &settings, None)?;
            let made = Made::new(Vocabulary::read(&vocab, &merges)?, &added);
            Ok(Tokenizer { text: made.text(&settings, encoder, &vocab)?, bytes: made.bytes(&vocab)? })
        }
    }
}

fn find(folder: &Path, beside: &Path) -> Result<Place> {
    let whole = folder.join("tokenizer.json");
    let (vocab, merges) = (folder.join("vocab.json"), folder.join("merges.txt"));
    if whole.is_file() {
        return Ok(Place::Whole(whole));
    }
    if vocab.is_file() && merges.is_file() {
        return Ok(Place::Parts(vocab, merges));
    }
    if beside.is_file() {
        return Ok(Place::Whole(beside.to_path_buf()));
    }
    let reason = "there is neither this file nor `vocab.json` with `merges.txt` beside it";
    Err(Error::config(&whole, reason, "copy this folder from where the model was published"))
}

/// What would make other tokens of a prompt than `CLIPTokenizer` does.
fn check(settings: &Json) -> Result<()> {
    let class = settings.str_or("tokenizer_class", CLASSES[0])?;
    if !CLASSES.contains(&class) {
        return Err(settings.unknown_class("tokenizer_class", "a tokenizer", &CLASSES));
    }
    for key in ["padding_side", "truncation_side"] {
        if settings.str_or(key, "right")? != "right" {
            return Err(settings.unsupported(key));
        }
    }
    settings.must_be_unset(&["split_special_tokens"])
}

/// A tokenizer with its added tokens in their places.
struct Made {
    json: Value,
    /// Numbers of the tokens before, behind and after a prompt, each with its text.
    ends: [(String, u32); 3],
}

impl Made {
    fn new(vocabulary: Vocabulary, added: &AddedTokens) -> Self {
        let (placed, numbers) = place(&added.tokens, &vocabulary);
        let number = |token: &str| numbers.get(token).copied().unwrap_or_default();
        let ends = ["bos_token", "eos_token", "pad_token"].map(|key| added.named(key).to_owned());
        let ends = ends.map(|token| (token.clone(), number(&token)));
        let list = placed.iter().map(|(number, token)| token.written(*number)).collect();
        let [bos, eos, _] = &ends;
        let json =
            vocabulary.tokenizer(list, [(bos.0.as_str(), bos.1), (eos.0.as_str(), eos.1)], added.named("unk_token"));
        Self { json, ends }
    }

    fn text(&self, settings: &Json, encoder: &TextEncoder, file: &Path) -> Result<Text> {
        let known = encoder.vocab_size.unwrap_or(u32::MAX);
        if let Some((token, number)) = self.ends.iter().find(|(_, number)| *number >= known) {
            let reason = format!("token `{token}` has number {number}; the text encoder has {known} tokens");
            let hint = "tokenizer and text encoder are of different models: take both from the same folder";
            return Err(Error::config(file, reason, hint));
        }
        // transformers writes an astronomically large number for "no limit".
        let limit = settings.get("model_max_length").or_else(|| settings.get("max_len"));
        let limit = limit.and_then(Value::as_f64).unwrap_or(f64::MAX);
        let is_limit = limit >= 3.0 && limit < f64::from(encoder.positions);
        let max_length = if is_limit { limit as u32 } else { encoder.positions };
        let [bos, eos, pad] = &self.ends;
        Ok(Text::new(max_length, encoder.hidden_size, [bos.1, eos.1, pad.1]))
    }

    fn bytes(&self, file: &Path) -> Result<Vec<u8>> {
        serde_json::to_vec(&self.json).map_err(|error| Error::config(file, error.to_string(), "try again"))
    }
}

/// The numbers that `tokenizers` gives added tokens: the vocabulary's where it has them, else those behind it.
fn place(tokens: &[AddedToken], vocabulary: &Vocabulary) -> (BTreeMap<u32, AddedToken>, HashMap<String, u32>) {
    let (mut placed, mut numbers) = (BTreeMap::new(), HashMap::new());
    let mut next = vocabulary.len();
    for token in tokens.iter().filter(|token| !token.content.is_empty()) {
        let number = *numbers.entry(token.content.clone()).or_insert_with(|| {
            vocabulary.number(&token.content).unwrap_or_else(|| {
                next += 1;
                next - 1
            })
        });
        // The last one of a text says how it is matched.
        placed.insert(number, token.clone());
    }
    (placed, numbers)
}
