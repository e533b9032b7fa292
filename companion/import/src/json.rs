//! Configuration files of a diffusers folder, read with errors that name file and key.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// What to do about a configuration that is not what diffusers writes.
const HINT: &str = "save the pipeline again with a current version of diffusers";
/// What to do about a model that is of another kind.
const UNSUPPORTED: &str =
    "only text-to-image models of Stable Diffusion (1, 2 and XL), DreamLite and Sana can be imported";

/// One JSON object with the file it came from. Keys that are missing and keys that are null are the same, as in diffusers.
#[derive(Debug)]
pub(super) struct Json {
    file: PathBuf,
    value: Map<String, Value>,
}

impl Json {
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
        match serde_json::from_str(&without_infinities(&text)) {
            Ok(Value::Object(value)) => Ok(Self { file: file.to_path_buf(), value }),
            Ok(_) => Err(Error::config(file, "it holds no JSON object", HINT)),
            Err(error) => Err(Error::config(file, format!("it is not JSON: {error}"), HINT)),
        }
    }

    /// Reads a file, or nothing where there is no such file.
    pub(super) fn read_if_there(file: &Path) -> Result<Option<Self>> {
        if file.is_file() { Self::read(file).map(Some) } else { Ok(None) }
    }

    #[cfg(test)]
    pub(super) fn of(file: &Path, value: Value) -> Self {
        let Value::Object(value) = value else { panic!("no object: {value}") };
        Self { file: file.to_path_buf(), value }
    }

    /// An object without keys, as if there were such a file.
    pub(super) fn empty(file: &Path) -> Self {
        Self { file: file.to_path_buf(), value: Map::new() }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    /// All keys with their values, those that are null among them.
    pub(super) fn entries(&self) -> &Map<String, Value> {
        &self.value
    }

    pub(super) fn object(&self, key: &str) -> Result<&Map<String, Value>> {
        self.get(key).and_then(Value::as_object).ok_or_else(|| self.wrong(key, "an object"))
    }

    pub(super) fn array(&self, key: &str) -> Result<&Vec<Value>> {
        self.get(key).and_then(Value::as_array).ok_or_else(|| self.wrong(key, "a list"))
    }

    /// A whole number that must be there.
    pub(super) fn u32(&self, key: &str) -> Result<u32> {
        let number = self.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        number.ok_or_else(|| self.wrong(key, "a whole number"))
    }

    /// A whole number, or `default` where it is missing.
    pub(super) fn u32_or(&self, key: &str, default: u32) -> Result<u32> {
        if self.get(key).is_none() { Ok(default) } else { self.u32(key) }
    }

    pub(super) fn f64_or(&self, key: &str, default: f64) -> Result<f64> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => {
                let number = value.as_f64().filter(|n| n.is_finite());
                number.ok_or_else(|| self.wrong(key, "a number"))
            }
        }
    }

    pub(super) fn bool_or(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(key, "true or false")),
        }
    }

    pub(super) fn str_or<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.wrong(key, "a text")),
        }
    }

    /// The key's value is not of the kind it should be.
    pub(super) fn wrong(&self, key: &str, expected: &str) -> Error {
        let found = self.value.get(key).map_or_else(|| "missing".to_owned(), Value::to_string);
        Error::config(&self.file, format!("`{key}` is {found}; expected {expected}"), HINT)
    }

    /// What is wrong with a value that is too long to be shown.
    pub(super) fn wrong_kind(&self, key: &str, expected: &str) -> Error {
        Error::config(&self.file, format!("`{key}` is not what it should be: {expected}"), HINT)
    }

    /// `_class_name`, if there is one, must be one of these.
    pub(super) fn must_be_class(&self, what: &str, known: &[&str]) -> Result<()> {
        match self.get("_class_name") {
            Some(Value::String(class)) if known.contains(&class.as_str()) => Ok(()),
            Some(_) => Err(self.unknown_class("_class_name", what, known)),
            None => Ok(()),
        }
    }

    /// The class that `key` names is none of those known.
    pub(super) fn unknown_class(&self, key: &str, what: &str, known: &[&str]) -> Error {
        let found = self.value.get(key).map_or_else(|| "missing".to_owned(), Value::to_string);
        let reason = format!("`{key}` is {found}, {what} that is not known here");
        let all = known.join(", ");
        let verb = if known.len() == 1 { "is" } else { "are" };
        Error::config(&self.file, reason, format!("{UNSUPPORTED}; known {verb} {all}"))
    }

    /// The key's value says that the model is of a kind that cannot be drawn with; `what` continues "`key` is …, ".
    pub(super) fn refused(&self, key: &str, what: &str) -> Error {
        let found = self.value.get(key).map_or_else(|| "missing".to_owned(), Value::to_string);
        Error::config(&self.file, format!("`{key}` is {found}, {what}"), UNSUPPORTED)
    }

    /// The key's value is valid and asks for what the runtime cannot do.
    pub(super) fn unsupported(&self, key: &str) -> Error {
        let found = self.value.get(key).map_or_else(|| "missing".to_owned(), Value::to_string);
        Error::config(&self.file, format!("`{key}` is {found}, which is not supported"), UNSUPPORTED)
    }

    /// Fails if any of these keys is set: each stands for an input or computation that the runtime does not have.
    pub(super) fn must_be_unset(&self, keys: &[&str]) -> Result<()> {
        let is_off = |value: &Value| match value {
            Value::Array(all) => all.iter().all(|one| *one == Value::Bool(false)),
            one => *one == Value::Bool(false),
        };
        match keys.iter().find(|key| self.get(key).is_some_and(|value| !is_off(value))) {
            Some(key) => Err(self.unsupported(key)),
            None => Ok(()),
        }
    }
}

/// `NaN`, `Infinity` and `-Infinity` outside of texts become null. JSON has no such numbers; Python writes them all the same, as
/// `lambda_min_clipped` of diffusers' DPM-Solver.
fn without_infinities(text: &str) -> Cow<'_, str> {
    const NO_NUMBERS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    if !NO_NUMBERS.iter().any(|word| text.contains(word)) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest, mut in_text) = (String::with_capacity(text.len()), text, false);
    while let Some(next) = rest.chars().next() {
        if let Some(word) = NO_NUMBERS.iter().find(|word| !in_text && rest.starts_with(**word)) {
            out.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        // Of an escape both characters, so that an escaped quotation mark ends no text.
        let length =
            if in_text && next == '\\' { rest.chars().take(2).map(char::len_utf8).sum() } else { next.len_utf8() };
        in_text ^= next == '"';
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_and_json_has_not_is_read_as_nothing() {
        let text = r#"{"a": -Infinity, "b": [NaN, Infinity, 1], "NaN": "Infinity \" -Infinity", "c": "ß"}"#;
        let found: Value = serde_json::from_str(&without_infinities(text)).expect("JSON");
        let expected = r#"{"a": null, "b": [null, null, 1], "NaN": "Infinity \" -Infinity", "c": "ß"}"#;
        assert_eq!(found, serde_json::from_str::<Value>(expected).expect("JSON"));
        for text in ["{\"a\": \"NaN\\", "-Inf", "\"\\", ""] {
            let _ = without_infinities(text);
        }
        assert!(matches!(without_infinities("{}"), Cow::Borrowed(_)));
    }
}
