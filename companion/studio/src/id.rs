//! Names that the studio gives to what it holds: `s1` a subject, `p3` a photo. They are names of files, too.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a subject, photo, job or picture: a letter and a number. Nothing else can be one, so none leads out of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Id {
    kind: char,
    number: u64,
}

/// Digits of the longest number.
const DIGITS: usize = 12;

impl Id {
    /// The first of a kind, a lower-case letter.
    pub(crate) const fn first(kind: char) -> Self {
        Self { kind, number: 1 }
    }

    /// One that comes after all of these.
    pub(crate) fn after(kind: char, all: impl IntoIterator<Item = Self>) -> Self {
        let last = all.into_iter().map(|id| id.number).max().unwrap_or(0);
        Self { number: last.saturating_add(1), ..Self::first(kind) }
    }

    /// Reads a name of a kind.
    pub(crate) fn parse(kind: char, text: &str) -> Option<Self> {
        let digits = text.strip_prefix(kind)?;
        let plain = !digits.starts_with('0') && digits.len() <= DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten().map(|number| Self { kind, number })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, self.number)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let kind = text.chars().next().filter(char::is_ascii_lowercase);
        kind.and_then(|kind| Self::parse(kind, &text)).ok_or_else(|| format!("`{text}` is no name of this studio"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_letter_and_a_number_is_a_name() {
        assert_eq!(Id::parse('p', "p12").map(|id| id.to_string()).as_deref(), Some("p12"));
        assert_eq!(Id::after('p', [Id::first('p'), Id { kind: 'p', number: 7 }]).to_string(), "p8");
        for bad in ["", "p", "s1", "p0", "p01", "p-1", "p1/..", "../p1", "p1.png", "p9999999999999", "pé1", "p1 "] {
            assert_eq!(Id::parse('p', bad), None, "{bad}");
        }
        assert!(serde_json::from_str::<Id>("\"../x\"").is_err() && serde_json::from_str::<Id>("\"j7\"").is_ok());
    }
}
