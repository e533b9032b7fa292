//! The tokens of one of a request's prompts, for each text encoder.

use std::sync::Arc;

use crate::model::manifest::Manifest;
use crate::subjects::places::Side;
use crate::subjects::words::Words;
use crate::text::PromptEmbeds;
use crate::text::tokenizer::Tokens;

/// The tokens of one of a request's prompts.
#[derive(Debug, Clone)]
pub(crate) struct PromptTokens {
    pub(crate) side: Side,
    pub(crate) tokens: Tokens,
    /// For the second text encoder, where there is one.
    pub(crate) second: Option<Tokens>,
    /// What they are, where the request brought that along.
    pub(crate) given: Option<Given>,
}

/// Embeddings in the place of a prompt, and where the words of each subject of the request stand in them.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) embeds: Arc<PromptEmbeds>,
    pub(crate) words: Words,
}

impl PromptTokens {
    /// How many chunks there are of `max_length` ids, in the longer of both.
    pub(crate) fn chunks(&self, manifest: &Manifest) -> usize {
        let second = self.second.as_ref().map_or(0, |second| second.chunks(manifest.text));
        self.tokens.chunks(manifest.text).max(second)
    }

    /// As many chunks as another prompt has.
    pub(crate) fn lengthened(self, chunks: usize, manifest: &Manifest) -> Self {
        let second = self.second.zip(manifest.text_2);
        let second = second.map(|(tokens, text)| tokens.lengthened(chunks, manifest.text.of_second(&text)));
        Self { tokens: self.tokens.lengthened(chunks, manifest.text), second, ..self }
    }
}
