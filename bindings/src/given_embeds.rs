//! Embeddings that an app's own text encoder makes, in the place of prompts.

use cones_core::text;

/// Embeddings in the place of both prompts, as a phone's language model makes them. No text encoder of the base model runs then.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct GivenEmbeds {
    /// Of what to draw.
    pub prompt: PromptEmbeds,
    /// Of what to stay away from; needed where guidance is on.
    #[uniffi(default)]
    pub negative: Option<PromptEmbeds>,
    /// At which tokens of `prompt` the words of subjects stand: one of the scope `trigger` changes those.
    #[uniffi(default)]
    pub words: Vec<SubjectWords>,
}

/// What a text encoder made of one prompt; diffusers' names.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct PromptEmbeds {
    /// `tokens × width` numbers, row-major, each four bytes (float32, little-endian): `BundleInfo.text_length` tokens, or several times as
    /// many, of `BundleInfo.context_size` numbers.
    pub prompt_embeds: Vec<u8>,
    /// The prompt as a whole, `BundleInfo.pooled_size` numbers in the same way; empty where that is 0.
    pub pooled_prompt_embeds: Vec<u8>,
}

/// Where the words of a subject stand.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SubjectWords {
    /// The subject's name.
    pub subject: String,
    /// Numbers of tokens, from 0.
    pub tokens: Vec<u32>,
}

impl GivenEmbeds {
    /// As the core takes them.
    ///
    /// # Errors
    /// [`cones_core::Error::BadRequest`] for bytes that are no whole numbers.
    pub(crate) fn resolve(&self) -> cones_core::Result<text::GivenEmbeds> {
        let mut given = text::GivenEmbeds::new(self.prompt.resolve()?);
        if let Some(negative) = &self.negative {
            given = given.with_negative(negative.resolve()?);
        }
        for SubjectWords { subject, tokens } in &self.words {
            given = given.with_words(subject, tokens.iter().map(|token| *token as usize).collect());
        }
        Ok(given)
    }
}

impl PromptEmbeds {
    fn resolve(&self) -> cones_core::Result<text::PromptEmbeds> {
        Ok(text::PromptEmbeds::new(numbers(&self.prompt_embeds)?, numbers(&self.pooled_prompt_embeds)?))
    }
}

fn numbers(bytes: &[u8]) -> cones_core::Result<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        let reason = format!("are {} bytes, which are no numbers of four", bytes.len());
        return Err(cones_core::Error::request("prompt_embeds", reason));
    }
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
