//! Subject packs: a concept mask with its metadata in one `.cones` file.

mod bits;
mod bytes;
mod checksum;
mod count;
mod decode;
pub(crate) mod embeddings;
mod encode;
mod factors;
mod file;
mod golomb;
mod header;
mod layers;
mod low_rank;
pub(crate) mod metadata;
pub(crate) mod precision;
mod preview;
mod rounding;
mod split;
pub(crate) mod subject_pack;
mod version;

pub use embeddings::TokenEmbeddings;
pub use metadata::Metadata;
pub use precision::Precision;
pub use rounding::to_precision;
pub use subject_pack::{Header, Pack, max_bytes};
