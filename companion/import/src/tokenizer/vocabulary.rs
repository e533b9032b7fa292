//! `vocab.json` and `merges.txt`, and the `tokenizer.json` that transformers' `CLIPTokenizer` makes of them.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::json::Json;

/// What a prompt is cut into before the vocabulary is asked, as in OpenAI's CLIP.
const PIECES: &str = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// Tokens by their text, and which pieces are joined, in order.
#[derive(Debug)]
pub(super) struct Vocabulary {
    pub(super) tokens: Map<String, Value>,
    merges: Vec<Value>,
}

impl Vocabulary {
    /// From the model of a `tokenizer.json`.
    pub(super) fn of(tokenizer: &Json) -> Result<Self> {
        let model = tokenizer.object("model")?;
        let wrong = |key: &str, expected: &str| tokenizer.wrong_kind(&format!("model.{key}"), expected);
        let kind = model.get("type").and_then(Value::as_str).unwrap_or("BPE");
        if kind != "BPE" {
            return Err(wrong("type", &format!("BPE as in CLIP, not {kind}")));
        }
        let tokens = model.get("vocab").and_then(Value::as_object);
        let tokens = tokens.ok_or_else(|| wrong("vocab", "tokens with their numbers"))?.clone();
        check(&tokens, || wrong("vocab", "tokens with their numbers"))?;
        let merges = model.get("merges").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let pair = |merge: &Value| match merge {
            Value::String(text) => text.split_once(' ').map(|(left, right)| json!([left, right])),
            Value::Array(pair) if pair.len() == 2 && pair.iter().all(Value::is_string) => Some(merge.clone()),
            _ => None,
        };
        let merges = merges.iter().map(pair).collect::<Option<_>>();
        let merges = merges.ok_or_else(|| wrong("merges", "pairs of pieces"))?;
        Ok(Self { tokens, merges })
    }

    /// From the two files of CLIP.
    pub(super) fn read(vocab: &Path, merges: &Path) -> Result<Self> {
        let json = Json::read(vocab)?;
        let hint = "copy the tokenizer's folder anew from where the model was published";
        let fault = || Error::config(vocab, "it holds more than tokens with their numbers", hint);
        check(json.entries(), fault)?;
        let text = std::fs::read_to_string(merges).map_err(Error::io("read", merges))?;
        let mut pairs = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with("#version")) {
            let Some((left, right)) = line.split_once(' ').filter(|(_, right)| !right.contains(' ')) else {
                let reason = format!("line {} is not two pieces with a space between", number + 1);
                return Err(Error::config(merges, reason, hint));
            };
            pairs.push(json!([left, right]));
        }
        Ok(Self { tokens: json.entries().clone(), merges: pairs })
    }

    /// How many tokens it has.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.tokens.len()).unwrap_or(u32::MAX)
    }

    /// A token's number.
    pub(super) fn number(&self, token: &str) -> Option<u32> {
        u32::try_from(self.tokens.get(token)?.as_u64()?).ok()
    }

    /// The whole of a `tokenizer.json`, as `CLIPTokenizer` of transformers 5 makes it whatever stood in the file before.
    pub(super) fn tokenizer(self, added: Vec<Value>, [bos, eos]: [(&str, u32); 2], unknown: &str) -> Value {
        json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": added,
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "NFC"},
                {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
                {"type": "Lowercase"},
            ]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PIECES}, "behavior": "Removed", "invert": true},
                {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            ]},
            "post_processor": {
                "type": "RobertaProcessing",
                "sep": [eos.0, eos.1],
                "cls": [bos.0, bos.1],
                "trim_offsets": false,
                "add_prefix_space": false,
            },
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": unknown,
                "continuing_subword_prefix": "",
                "end_of_word_suffix": "</w>",
                "fuse_unk": false,
                "byte_fallback": false,
                "ignore_merges": false,
                "vocab": self.tokens,
                "merges": self.merges,
            },
        })
    }
}

fn check(tokens: &Map<String, Value>, fault: impl Fn() -> Error) -> Result<()> {
    let is_number = |value: &Value| value.as_u64().is_some_and(|n| u32::try_from(n).is_ok());
    if !tokens.is_empty() && tokens.values().all(is_number) { Ok(()) } else { Err(fault()) }
}
