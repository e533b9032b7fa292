//! Versions of the format. A pack is written with the lowest that says all of it.

/// The newest version that this crate reads and writes. 2 came with embeddings in the trigger's place, which a reader of 1 would
/// take for those of its tokens.
pub(super) const VERSION: u16 = 2;
/// The oldest.
pub(super) const OLDEST: u16 = 1;
