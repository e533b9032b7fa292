//! The limits of what a pack says of itself.

use crate::clock;
use crate::disk::files;
use crate::subjects::pack::precision::Precision;
use crate::subjects::scope::Scope;

use serde::{Deserialize, Serialize};

/// What a pack says of itself. The limits are checked when it is written and when it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metadata {
    /// The name it is installed and called by: 1 to 64 of `a-z 0-9 - _ .`, starting with a letter or digit.
    pub name: String,
    /// The pack's own version, from 1; a publisher counts up.
    pub version: u32,
    /// The words that stand for the subject in a prompt, as `<v1> dog`; 1 to 128 bytes, or none in a pack of low-rank matrices.
    pub trigger: String,
    /// What kind of thing it is, as `dog`; up to 64 bytes.
    pub class: String,
    /// Which rows of K and V it changes.
    pub scope: Scope,
    /// Who made it; up to 128 bytes.
    pub author: String,
    /// SPDX expression or a sentence; up to 128 bytes.
    pub licence: String,
    /// The base model's name, for messages; up to 64 bytes.
    pub model: String,
    /// What wrote it, as `cones 0.1.0`; up to 64 bytes.
    pub tool: String,
    /// When, in seconds since 1970 (UTC).
    pub created: u64,
}

impl Metadata {
    /// Version 1 of a pack with this name and trigger, on the rows of the trigger's tokens, made now by nobody in particular.
    pub fn new(name: impl Into<String>, trigger: impl Into<String>, class: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: 1,
            trigger: trigger.into(),
            class: class.into(),
            scope: Scope::Trigger,
            author: String::new(),
            licence: String::new(),
            model: String::new(),
            tool: concat!("cones ", env!("CARGO_PKG_VERSION")).into(),
            created: clock::now(),
        }
    }
}

/// 9999-12-31T23:59:59Z: the last moment that a date with four digits can show.
const LAST_SECOND: u64 = 253_402_300_799;

/// A text of the metadata, in the file's order.
pub(super) struct Text<'a> {
    pub(super) field: &'static str,
    pub(super) value: &'a str,
}

/// The texts in the file's order.
pub(super) fn texts(metadata: &Metadata) -> [Text<'_>; 7] {
    [
        Text { field: "name", value: &metadata.name },
        Text { field: "trigger", value: &metadata.trigger },
        Text { field: "class", value: &metadata.class },
        Text { field: "author", value: &metadata.author },
        Text { field: "licence", value: &metadata.licence },
        Text { field: "model", value: &metadata.model },
        Text { field: "tool", value: &metadata.tool },
    ]
}

/// The most bytes that a text may have.
pub(super) fn limit(field: &str) -> usize {
    match field {
        "trigger" | "author" | "licence" | "publisher" | "reason" => 128,
        _ => 64,
    }
}

/// What is wrong with a text, if anything.
pub(crate) fn check_text(field: &str, value: &str) -> Result<(), String> {
    if value.len() > limit(field) {
        return Err(format!("`{field}` has {} bytes; it may have {}", value.len(), limit(field)));
    }
    if let Some(character) = value.chars().find(|c| is_unprintable(*c)) {
        return Err(format!("`{field}` holds the character U+{:04X}, which is not for printing", u32::from(character)));
    }
    match field {
        "name" if !is_name(value) => {
            Err("`name` must be 1 to 64 of a-z 0-9 - _ . and start with a letter or digit".into())
        }
        "name" if files::is_reserved(value) => Err(format!("`name` is `{value}`, which Windows keeps for itself")),
        _ => Ok(()),
    }
}

/// What is wrong with the trigger of a pack of this precision, beside its length and characters. A LoRA may do without.
pub(crate) fn check_trigger(value: &str, precision: Precision) -> Result<(), String> {
    let blank = value.trim().is_empty();
    if blank && !(value.is_empty() && precision == Precision::LowRank) {
        Err("`trigger` is empty".into())
    } else {
        Ok(())
    }
}

/// What is wrong with the numbers, if anything.
pub(super) fn check_numbers(version: u32, created: u64) -> Result<(), String> {
    if version == 0 {
        return Err("`version` is 0; versions count from 1".into());
    }
    if created > LAST_SECOND {
        return Err(format!("`created` is {created}, after the year 9999"));
    }
    Ok(())
}

fn is_name(value: &str) -> bool {
    let ordinary = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    value.starts_with(ordinary) && value.chars().all(|c| ordinary(c) || matches!(c, '-' | '_' | '.'))
}

/// Controls of terminals and of text direction, with which a pack could make itself look like another.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["rex", "7", "fluent-dog_2.1"] {
            assert_eq!(check_text("name", good), Ok(()), "{good}");
        }
        for bad in ["", "-rex", ".", "../rex", "Rex", "re x", "rex\n", "r\u{e9}x", &"a".repeat(65)] {
            assert!(check_text("name", bad).is_err(), "{bad}");
        }
        for reserved in ["con", "nul", "com1.dog", "rex."] {
            assert!(check_text("name", reserved).is_err_and(|why| why.contains("Windows")), "{reserved}");
        }
    }

    #[test]
    fn texts_have_a_length_and_no_controls() {
        assert_eq!(check_text("author", &"\u{e9}".repeat(64)), Ok(()));
        assert!(check_text("author", &"\u{e9}".repeat(65)).is_err());
        assert_eq!(check_text("class", ""), Ok(()));
        for bad in ["\u{1b}[31mred", "a\nb", "\u{202e}gpj.exe", "a\u{200b}b", "\u{feff}a", "\u{85}"] {
            assert!(check_text("author", bad).is_err(), "{bad:?}");
        }
        for bad in ["", " ", "\u{3000}"] {
            assert!(check_trigger(bad, Precision::Binary).is_err(), "{bad:?}");
        }
        assert!(check_trigger("", Precision::LowRank).is_ok() && check_trigger(" ", Precision::LowRank).is_err());
    }

    #[test]
    fn numbers_have_a_range() {
        assert!(check_numbers(1, LAST_SECOND).is_ok());
        assert!(check_numbers(0, 0).is_err() && check_numbers(1, LAST_SECOND + 1).is_err());
    }
}
