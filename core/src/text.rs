//! From a prompt to its embedding: weights of words, the tokenizer, and the text encoder's graph.

mod chunks;
mod editing;
pub mod emphasis;
pub(crate) mod stand_in;
pub(crate) mod text_encoder;
pub mod tokenizer;
mod weighting;

pub(crate) use editing::shortened;
