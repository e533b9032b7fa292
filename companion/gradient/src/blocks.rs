//! How attention is cut.

/// Attention's scores are computed a block of queries after another, so that they stay in the processor's cache or in
/// little memory: all of them together are by far the largest values of a U-Net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// Most bytes of a block.
    pub bytes: usize,
    /// Queries that a block has at least, even if it takes more.
    pub queries: usize,
}
