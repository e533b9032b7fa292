//! Getting a file over HTTP: resumed, bounded, hashed before anything is visible.

use std::path::Path;

use crate::catalog::{Catalog, PublicKey};
use crate::{CancelToken, Error, Result};

/// What one download is to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// The file's name, for people.
    pub name: &'a str,
    /// Bytes of all files that are there, those of earlier attempts included.
    pub bytes: u64,
    /// Bytes of all files together.
    pub total: u64,
}

/// Is told how far a download is, on the caller's thread, at most a few times a second.
pub trait Watch {
    /// More has come.
    fn received(&mut self, received: Received<'_>);
}

impl Watch for () {
    fn received(&mut self, _: Received<'_>) {}
}

/// An HTTP client with this project's rules: HTTPS only, except to loopback; limits; retries; resume.
#[derive(Debug, Default)]
pub struct Downloader {}

impl Downloader {
    /// One with the usual limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gets `url` into `path`, which appears only when length and hash are right. What came so far lies beside it as
    /// `.part` and is resumed by the next call.
    ///
    /// # Errors
    /// [`Error::Network`], [`Error::OutOfSpace`], [`Error::Untrusted`] for a wrong hash, [`Error::Io`],
    /// [`Error::Cancelled`].
    pub fn file(
        &self,
        url: &str,
        expected: &Expected,
        path: &Path,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<()> {
        let _ = (expected, path, watch, cancel);
        Err(Error::network(url, "cannot be downloaded yet"))
    }

    /// Gets a catalogue and its signature and checks it against the pinned key. `url` is that of `catalog.json`.
    ///
    /// # Errors
    /// [`Error::Network`], [`Error::Untrusted`], [`Error::Cancelled`].
    pub fn catalog(&self, url: &str, key: &PublicKey, cancel: &CancelToken) -> Result<Catalog> {
        let _ = (key, cancel);
        Err(Error::network(url, "cannot be downloaded yet"))
    }
}
