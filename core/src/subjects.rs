//! Subjects: masks over the cross-attention weights, the packs they travel in, and where a prompt names them.

pub mod in_place;
pub mod low_rank;
pub mod mask;
pub(crate) mod offsets;
pub mod pack;
pub mod places;
pub mod prompt;
pub mod scope;
pub mod subject;
pub(crate) mod words;
