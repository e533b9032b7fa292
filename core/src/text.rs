//! From a prompt to its embedding: the tokenizer, and the text encoder's graph.

pub(crate) mod text_encoder;
pub mod tokenizer;
