//! What the classifier's outputs stand for.

use std::path::Path;

use serde::Deserialize;

use super::scene::Scene;
use crate::failure::Failure;

/// `labels.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// The words of things, in the order of the output `objects`.
    pub objects: Vec<String>,
    /// Name of each context and how prompts say it (`night`, `at night`), in the order of the output `context`.
    pub contexts: Vec<(String, String)>,
    /// The base model whose pictures the networks were trained on.
    #[serde(default)]
    pub model: Option<String>,
}

impl Labels {
    /// Reads them.
    ///
    /// # Errors
    /// When there is no such file, or it is something else.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(cones_core::Error::io("read", path))?;
        let labels = serde_json::from_slice(&bytes).map_err(|e| format!("`{}` is no labels: {e}", path.display()))?;
        Ok(labels)
    }

    /// What a prompt asks for, as far as the classifier knows it.
    pub fn scene(&self, prompt: &str) -> Scene {
        let words: Vec<&str> = prompt.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let objects = (0..).zip(&self.objects).filter(|(_, o)| words.contains(&o.as_str())).map(|(i, _)| i).collect();
        // The longest, so that "on a red background" is not taken for a context "on a red".
        let said = self.contexts.iter().enumerate().filter(|(_, (_, phrase))| prompt.contains(phrase.as_str()));
        let context = said.max_by_key(|(_, (_, phrase))| phrase.len()).map(|(i, _)| i);
        Scene { objects, context }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_read_by_words_and_phrases() {
        let labels = Labels {
            objects: vec!["car".into(), "cat".into(), "owl".into()],
            model: None,
            contexts: vec![("night".into(), "at night".into()), ("red".into(), "on a red background".into())],
        };
        let scene = labels.scene("a <v1> cat and an owl at night");
        assert_eq!((scene.objects, scene.context), (vec![1, 2], Some(0)));
        let scene = labels.scene("a scarf on a red background");
        assert_eq!((scene.objects, scene.context), (vec![], Some(1)));
        assert_eq!(labels.scene("").context, None);
    }
}
