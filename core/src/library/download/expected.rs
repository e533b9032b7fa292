//! What a download is to give.

use crate::disk::hash::Sha256;

/// What one download is to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Length in bytes.
    pub bytes: u64,
    /// Its hash.
    pub sha256: Sha256,
}
