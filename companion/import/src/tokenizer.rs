//! `tokenizer.json` and the numbers of its special tokens.

use std::path::{Path, PathBuf};

use cones_core::model::manifest::Text;
use serde_json::Value;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::json::Json;

/// Where the tokenizer's file lies: in the diffusers folder, or beside the graphs, where the export script puts it for
/// folders that have only `vocab.json` and `merges.txt`.
pub(super) fn find(weights: &Path, onnx: &Path) -> Result<PathBuf> {
    let places = [weights.join("tokenizer/tokenizer.json"), onnx.join("tokenizer.json")];
    let found = places.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| {
        let hint = "`models/export/export_onnx.py` writes it beside the graphs; or run transformers' \
                    `CLIPTokenizerFast.from_pretrained(DIR).save_pretrained(DIR)` on the tokenizer's folder";
        Error::config(&places[0], "there is no such file", hint)
    })
}

/// What the text encoder takes. Token numbers are those of the tokenizer's own special tokens: the text encoder's
/// configuration has wrong ones in many old folders, Stable Diffusion 1.5's among them.
pub(super) fn read(file: &Path, weights: &Path, config: &Config) -> Result<Text> {
    let tokenizer = Json::read(file)?;
    let settings = Json::read(&weights.join("tokenizer/tokenizer_config.json"))?;
    // transformers writes an astronomically large number for "no limit".
    let limit = settings.get("model_max_length").and_then(Value::as_f64).unwrap_or(f64::MAX);
    let max_length = if limit >= 3.0 && limit < f64::from(config.positions) { limit as u32 } else { config.positions };
    let eos = special(&settings, "eos_token").unwrap_or("<|endoftext|>");
    let bos = number(&tokenizer, special(&settings, "bos_token").unwrap_or("<|startoftext|>"))?;
    let pad = number(&tokenizer, special(&settings, "pad_token").unwrap_or(eos))?;
    Ok(Text::new(max_length, config.hidden_size, [bos, number(&tokenizer, eos)?, pad]))
}

/// A special token's text: written plainly, or as an object with `content`.
fn special<'a>(settings: &'a Json, key: &str) -> Option<&'a str> {
    let value = settings.get(key)?;
    value.as_str().or_else(|| value.get("content")?.as_str())
}

fn number(tokenizer: &Json, token: &str) -> Result<u32> {
    let added = tokenizer.get("added_tokens").and_then(Value::as_array).into_iter().flatten();
    let mut found = added.filter(|entry| entry["content"] == token).filter_map(|entry| entry["id"].as_u64());
    let in_vocabulary = || tokenizer.get("model")?.get("vocab")?.get(token)?.as_u64();
    let number = found.next().or_else(in_vocabulary).and_then(|n| u32::try_from(n).ok());
    number.ok_or_else(|| {
        let hint = "save tokenizer and model again with transformers' `save_pretrained`";
        Error::config(tokenizer.file(), format!("it has no token `{token}`"), hint)
    })
}
