//! From a prompt to its embedding: weights of words, the tokenizers, and the text encoders' graphs.

mod chunks;
mod editing;
pub mod emphasis;
pub(crate) mod given_embeds;
mod prompt_embeds;
pub(crate) mod stand_in;
pub(crate) mod text_encoder;
pub mod tokenizer;
mod weighting;

pub(crate) use editing::shortened;
pub use given_embeds::GivenEmbeds;
pub use prompt_embeds::PromptEmbeds;
