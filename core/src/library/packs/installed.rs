//! An installed pack.

use std::path::PathBuf;

use crate::disk::hash::Sha256;
use crate::subjects::pack::subject_pack::Header;

/// One installed pack.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Installed {
    /// What the pack says of itself. Of a file that was damaged since, this is what it said when it was installed,
    /// without preview.
    pub header: Header,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Length of the file.
    pub bytes: u64,
    /// The pinned key, in base64, of the publisher whose catalogue it was installed from; none of a file that was installed by itself.
    pub publisher: Option<String>,
    /// Its publisher withdrew it, with these words, which may be none, or revoked the key on whose word it is here, which the words
    /// say. [`PackStore::load`](super::PackStore::load) refuses it.
    pub withdrawn: Option<String>,
    /// The file, for reading only. It is gone once the pack is replaced or removed; [`PackStore::load`](super::PackStore::load) knows of that.
    pub path: PathBuf,
}
