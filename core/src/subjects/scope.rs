//! Where a mask applies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which rows of K and V a mask changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All rows of prompt and negative prompt, as in the paper.
    #[default]
    Prompt,
    /// The rows of the subject's trigger tokens only; a prompt without the trigger is drawn as by the base model.
    Trigger,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prompt => "prompt",
            Self::Trigger => "trigger",
        })
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "prompt" => Ok(Self::Prompt),
            "trigger" => Ok(Self::Trigger),
            other => Err(Error::request("scope", format!("`{other}` is unknown; one of prompt, trigger"))),
        }
    }
}
