//! Tokens that are matched in a prompt before the vocabulary is: which there are, and how each is matched.
//!
//! transformers collects them from up to four files, and the pad token is among them. So a Stable Diffusion 2 folder,
//! whose `special_tokens_map.json` alone says that `!` fills, has `!` as a token of its own in every prompt too. What is
//! done here is `PreTrainedTokenizerBase._from_pretrained` and `TokenizersBackend.__init__` of transformers 5, in the
//! same order, for what comes later in it replaces what came before.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::json::Json;

/// Special tokens that have a name of their own, in transformers' order, with `CLIPTokenizer`'s defaults.
const NAMED: [(&str, Option<&str>); 7] = [
    ("bos_token", Some("<|startoftext|>")),
    ("eos_token", Some("<|endoftext|>")),
    ("unk_token", Some("<|endoftext|>")),
    ("sep_token", None),
    ("pad_token", Some("<|endoftext|>")),
    ("cls_token", None),
    ("mask_token", None),
];

/// transformers' `AddedToken`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AddedToken {
    pub(super) content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    /// Whether it is looked for in the normalised text; where nothing is said, unless it is special.
    normalized: Option<bool>,
    special: bool,
}

impl AddedToken {
    fn new(content: &str, special: bool) -> Self {
        Self {
            content: content.to_owned(),
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: None,
            special,
        }
    }

    /// From an object with `content`.
    fn read(value: &Map<String, Value>) -> Option<Self> {
        let flag = |key: &str| value.get(key).and_then(Value::as_bool);
        Some(Self {
            content: value.get("content")?.as_str()?.to_owned(),
            single_word: flag("single_word").unwrap_or(false),
            lstrip: flag("lstrip").unwrap_or(false),
            rstrip: flag("rstrip").unwrap_or(false),
            normalized: flag("normalized"),
            special: flag("special").unwrap_or(false),
        })
    }

    /// As `tokenizer.json` lists it.
    pub(super) fn written(&self, id: u32) -> Value {
        json!({
            "id": id,
            "content": self.content,
            "single_word": self.single_word,
            "lstrip": self.lstrip,
            "rstrip": self.rstrip,
            "normalized": self.normalized.unwrap_or(!self.special),
            "special": self.special,
        })
    }
}

/// A special token as it is named: by its text, or with all its flags.
#[derive(Debug, Clone, PartialEq)]
enum Named {
    Plain(String),
    Full(AddedToken),
}

impl Named {
    fn content(&self) -> &str {
        match self {
            Self::Plain(content) => content,
            Self::Full(token) => &token.content,
        }
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(content) => Some(Self::Plain(content.clone())),
            Value::Object(object) => AddedToken::read(object).map(Self::Full),
            _ => None,
        }
    }
}

/// All added tokens of a tokenizer.
#[derive(Debug)]
pub(super) struct AddedTokens {
    named: Vec<(String, Named)>,
    /// In the order in which they are added; a later one of the same content replaces the flags of an earlier one.
    pub(super) tokens: Vec<AddedToken>,
}

impl AddedTokens {
    /// Collects them from `tokenizer_config.json` and what lies beside it.
    pub(super) fn read(folder: &Path, settings: &Json, tokenizer: Option<&Json>) -> Result<Self> {
        let mut named = BTreeMap::new();
        for key in settings.entries().keys().filter(|key| is_named(key)) {
            // Switches like `add_bos_token` are called alike, and are no tokens.
            named.extend(settings.get(key).and_then(Named::read).map(|token| (key.clone(), token)));
        }
        let mut extra = list(settings, "extra_special_tokens");
        if extra.is_empty() {
            extra = list(settings, "additional_special_tokens");
        }
        let added = match settings.get("added_tokens_decoder") {
            // Whoever wrote this wrote the whole; older files beside it are not asked.
            Some(_) => decoder(settings)?,
            None => from_older_files(folder, &mut named, &mut extra, tokenizer)?,
        };
        Ok(Self::collect(named, &extra, added))
    }

    /// Puts together what is added to a tokenizer, and in which order.
    fn collect(mut given: BTreeMap<String, Named>, extra: &[Named], added: BTreeMap<u64, AddedToken>) -> Self {
        let mut named: Vec<(String, Named)> = Vec::new();
        for (key, default) in NAMED {
            let token = given.remove(key).or_else(|| default.map(|text| Named::Plain(text.to_owned())));
            named.extend(token.map(|token| (key.to_owned(), token)));
        }
        // What a model names besides comes behind.
        named.extend(given);
        for (_, token) in &mut named {
            if let Some(full) = added.values().find(|full| full.content == token.content()) {
                *token = Named::Full(full.clone());
            }
        }
        let mut list: Vec<Named> = added.into_values().map(Named::Full).collect();
        let known: Vec<String> = list.iter().map(|token| token.content().to_owned()).collect();
        for token in named.iter().map(|(_, token)| token).chain(extra) {
            if !known.iter().any(|content| content == token.content()) && !list.contains(token) {
                list.push(token.clone());
            }
        }
        let tokens = list.into_iter().map(|token| match token {
            Named::Plain(content) => AddedToken::new(&content, true),
            Named::Full(token) => {
                let special = token.special || named.iter().any(|(_, named)| named.content() == token.content);
                AddedToken { special, ..token }
            }
        });
        Self { tokens: tokens.collect(), named }
    }

    /// The text of the special token of this name.
    pub(super) fn named(&self, key: &str) -> &str {
        self.named.iter().find(|(name, _)| name == key).map_or("<|endoftext|>", |(_, token)| token.content())
    }
}

/// `added_tokens_decoder` of `tokenizer_config.json`: tokens by their numbers.
fn decoder(settings: &Json) -> Result<BTreeMap<u64, AddedToken>> {
    let one = |(id, token): (&String, &Value)| Some((id.parse().ok()?, AddedToken::read(token.as_object()?)?));
    let all = settings.object("added_tokens_decoder")?.iter().map(one).collect::<Option<_>>();
    all.ok_or_else(|| settings.wrong_kind("added_tokens_decoder", "tokens by their numbers"))
}

/// What older versions of transformers wrote beside `tokenizer_config.json`; `named` and `extra` become what that says.
fn from_older_files(
    folder: &Path,
    named: &mut BTreeMap<String, Named>,
    extra: &mut Vec<Named>,
    tokenizer: Option<&Json>,
) -> Result<BTreeMap<u64, AddedToken>> {
    let map = Json::read_if_there(&folder.join("special_tokens_map.json"))?;
    if let Some(map) = &map {
        overrule(named, extra, map);
    }
    let mut added = BTreeMap::new();
    if let Some(file) = Json::read_if_there(&folder.join("added_tokens.json"))? {
        let in_map = |key: &str| map.as_ref().is_some_and(|map| map.get(key).is_some());
        // A token that only `tokenizer_config.json` describes with its flags does not count here, in transformers.
        let counts = |(key, token): &(&String, &Named)| matches!(token, Named::Plain(_)) || in_map(key);
        let special: Vec<&str> =
            named.iter().filter(counts).map(|(_, token)| token).chain(&*extra).map(Named::content).collect();
        for (content, id) in file.entries() {
            let id = id.as_u64().ok_or_else(|| file.wrong(content, "the token's number"))?;
            let is_special = special.contains(&content.as_str());
            let token = AddedToken { normalized: Some(!is_special), ..AddedToken::new(content, is_special) };
            added.insert(id, token);
        }
    }
    added.extend(tokenizer.map(listed).transpose()?.into_iter().flatten());
    Ok(added)
}

fn is_named(key: &str) -> bool {
    key.ends_with("_token")
}

/// What `special_tokens_map.json` says wins over `tokenizer_config.json`, and makes its tokens special.
fn overrule(named: &mut BTreeMap<String, Named>, extra: &mut Vec<Named>, map: &Json) {
    for key in map.entries().keys().filter(|key| is_named(key)) {
        if let Some(token) = map.get(key).and_then(Named::read) {
            named.insert(key.clone(), as_special(token));
        }
    }
    for token in list(map, "extra_special_tokens").into_iter().map(as_special) {
        if !extra.contains(&token) {
            extra.push(token);
        }
    }
    let additional = list(map, "additional_special_tokens");
    if extra.is_empty() {
        extra.extend(additional.into_iter().map(as_special));
    }
}

fn as_special(token: Named) -> Named {
    match token {
        Named::Full(token) => Named::Full(AddedToken { special: true, ..token }),
        plain @ Named::Plain(_) => plain,
    }
}

fn list(json: &Json, key: &str) -> Vec<Named> {
    json.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Named::read).collect()
}

/// The added tokens of a `tokenizer.json`, with their numbers.
fn listed(tokenizer: &Json) -> Result<Vec<(u64, AddedToken)>> {
    if tokenizer.get("added_tokens").is_none() {
        return Ok(Vec::new());
    }
    let wrong = || tokenizer.wrong_kind("added_tokens", "a list of tokens with numbers");
    let one = |entry: &Value| Some((entry.get("id")?.as_u64()?, AddedToken::read(entry.as_object()?)?));
    tokenizer.array("added_tokens")?.iter().map(|entry| one(entry).ok_or_else(wrong)).collect()
}
