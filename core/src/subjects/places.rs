//! Where in the prompts of a request a subject was named.

use serde::{Deserialize, Serialize};

/// The bytes of both prompts at which a subject's trigger words begin where `{NAME}` stood for it.
///
/// Packs may have the same trigger, and then the words alone do not say whose they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// In the prompt, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompt: Vec<usize>,
    /// In the negative prompt, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub negative_prompt: Vec<usize>,
}

/// One of the two prompts of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// What is to be drawn.
    Prompt,
    /// What is not.
    Negative,
}

impl Places {
    /// Those in one of the prompts.
    pub(crate) fn on(&self, side: Side) -> &[usize] {
        match side {
            Side::Prompt => &self.prompt,
            Side::Negative => &self.negative_prompt,
        }
    }

    /// Whether the subject was named in neither.
    pub fn is_empty(&self) -> bool {
        self.prompt.is_empty() && self.negative_prompt.is_empty()
    }
}

impl Side {
    /// The field of the request, for messages.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Negative => "negative_prompt",
        }
    }
}
