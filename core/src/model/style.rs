//! Requests saved by name: what is asked for again and again, but for the words.
//!
//! A bundle's presets are such, and so is what people keep in files of their own ([`styles`](crate::library::styles)).

use serde::{Deserialize, Serialize};

use crate::sampling::scheduler::choice::Scheduler;

/// What stands for a request's own words in a style's prompts.
pub const PROMPT: &str = "{prompt}";

/// A request saved by name. What it leaves out is as the request says, or the bundle.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Style {
    /// What it is called by.
    pub name: String,
    /// The prompt, in which `{prompt}` stands for the request's own; without that it stands behind it and a comma, as in
    /// AUTOMATIC1111's web UI.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// The negative prompt, likewise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub negative_prompt: String,
    /// Denoising steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Classifier-free guidance scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<f32>,
    /// How far the guided prediction is brought back to the deviation of the prompt's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance_rescale: Option<f32>,
    /// The scheduler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Scheduler>,
    /// How much of the noise in each step is fresh. Passed over where the request has another scheduler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<f32>,
    /// Pixels across.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Whether brackets in the prompts weigh words.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prompt_weights: bool,
    /// The text encoder's last layers that are left out.
    #[serde(default, skip_serializing_if = "crate::units::is_zero")]
    pub clip_skip: u32,
}

impl Style {
    /// One that asks for nothing yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The prompt of these words.
    #[must_use]
    pub fn prompt_of(&self, words: &str) -> String {
        merged(&self.prompt, words)
    }

    /// The negative prompt of these words.
    #[must_use]
    pub fn negative_prompt_of(&self, words: &str) -> String {
        merged(&self.negative_prompt, words)
    }
}

/// As `merge_prompts` of the web UI.
fn merged(template: &str, words: &str) -> String {
    if template.contains(PROMPT) {
        return template.replace(PROMPT, words);
    }
    let parts = [words.trim(), template.trim()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_where_the_style_says_or_before_it() {
        let style = |prompt: &str| Style { prompt: prompt.into(), ..Style::new("x") };
        assert_eq!(style("oil of {prompt}, {prompt}").prompt_of("a dog"), "oil of a dog, a dog");
        assert_eq!(style(" oil ").prompt_of("a dog "), "a dog, oil");
        assert_eq!((style("").prompt_of("a dog"), style("oil").prompt_of("")), ("a dog".into(), "oil".into()));
        assert_eq!(style("oil of {prompt}").prompt_of(""), "oil of ");
    }
}
