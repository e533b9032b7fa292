//! Getting a file over HTTP: resumed, bounded, hashed before anything is visible.
//!
//! ```no_run
//! use cones_core::library::download::{Downloader, Expected, Received};
//! use cones_core::{CancelToken, Sha256};
//!
//! # fn main() -> cones_core::Result<()> {
//! let expected = Expected { bytes: 3, sha256: Sha256::digest("abc") };
//! let mut watch = |received: Received<'_>| println!("{} of {}", received.bytes, received.total);
//! let url = "https://example.org/dog.cones";
//! Downloader::new().file(url, &expected, "dog.cones".as_ref(), &mut watch, &CancelToken::new())?;
//! # Ok(())
//! # }
//! ```

mod exchange;
mod failure;
mod fetch;
mod head;
mod limits;
mod part;
mod patience;
mod small;
mod worker;

use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, parse_pem};

use crate::cancel::CancelToken;
use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::library::address::Address;
use crate::library::catalog::{Catalog, MAX_CATALOG_BYTES, MAX_SIGNATURE_BYTES, PublicKey};

pub use limits::Limits;

/// What a detached signature's URL has behind that of the file.
pub(crate) const SIGNATURE: &str = ".minisig";

/// What one download is to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in hex.
    pub sha256: Sha256,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// The file's name, for people.
    pub name: &'a str,
    /// Bytes of all files that are there, those of earlier attempts included. It falls when a file begins anew.
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

/// A closure watches.
impl<F: FnMut(Received<'_>)> Watch for F {
    fn received(&mut self, received: Received<'_>) {
        self(received);
    }
}

/// An HTTP client with this project's rules: HTTPS only, except to loopback; limits; retries; resume.
///
/// Redirects are followed within the same rules. Certificates are checked against Mozilla's roots, which are compiled
/// in, or against [your own](Self::with_roots). On desktops, the usual `HTTPS_PROXY` and `NO_PROXY` count. URLs that hold a user name or password are refused,
/// and queries are never shown.
#[derive(Debug, Default, Clone)]
pub struct Downloader {
    limits: Limits,
    /// Instead of Mozilla's.
    roots: Option<Arc<Vec<Certificate<'static>>>>,
}

impl Downloader {
    /// One with the usual limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// One with limits of your own.
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, roots: None }
    }

    /// The same, but it trusts servers whose certificates come from these authorities and no others: one or more
    /// certificates in PEM form. For a publisher who runs an authority of their own.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when there is none in it, or one that cannot be read.
    pub fn with_roots(self, pem: &str) -> Result<Self> {
        let bad = |reason: String| Error::request("roots", reason);
        let mut roots = Vec::new();
        for item in parse_pem(pem.as_bytes()) {
            match item.map_err(|error| bad(format!("cannot be read: {error}")))? {
                PemItem::Certificate(certificate) => roots.push(certificate),
                _ => return Err(bad("hold something else than certificates".into())),
            }
        }
        if roots.is_empty() {
            Err(bad("hold no certificate".into()))
        } else {
            Ok(Self { roots: Some(Arc::new(roots)), ..self })
        }
    }

    /// Gets `url` into `path`, in place of what is there; it appears only when length and hash are right. A file that
    /// is there with the right hash is not asked for.
    ///
    /// What came so far lies beside it as `.NAME.part`, with a note of what it is in `.NAME.part.json`, and is resumed
    /// by the next call, after a break as after a killed process. The server's strong `ETag` or `Last-Modified` guards
    /// against going on with another state of the file; where there is neither, the hash alone does, and a resumed file
    /// whose hash is wrong is begun anew once. While another process or thread gets the same file, this one waits.
    ///
    /// A cancel is heard within a moment, whatever the server does.
    ///
    /// # Errors
    /// [`Error::Network`], [`Error::OutOfSpace`] before anything is asked for, [`Error::Untrusted`] for a wrong hash
    /// (nothing of it is kept), [`Error::Io`], [`Error::Cancelled`].
    pub fn file(
        &self,
        url: &str,
        expected: &Expected,
        path: &Path,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<()> {
        self.file_at(&Address::parse(url)?, expected, path, watch, cancel)
    }

    /// As [`file`](Self::file).
    pub(crate) fn file_at(
        &self,
        address: &Address,
        expected: &Expected,
        target: &Path,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<()> {
        let Some(name) = target.file_name() else {
            return Err(Error::request("path", format!("`{}` names no file", target.display())));
        };
        let name = name.to_string_lossy().into_owned();
        let reporter = fetch::Reporter { watch, name, total: expected.bytes, last: None };
        fetch::Fetch { client: self, address, expected, target, cancel, reporter, whole_only: false }.run()
    }

    /// Gets a small file into memory: at most `limit` bytes, whatever the server says. Nothing vouches for it; check it
    /// against a signature or a hash.
    ///
    /// # Errors
    /// [`Error::Network`], [`Error::Cancelled`].
    pub fn small(&self, url: &str, limit: u64, cancel: &CancelToken) -> Result<Vec<u8>> {
        self.small_at(&Address::parse(url)?, limit, cancel)
    }

    /// As [`small`](Self::small).
    pub(crate) fn small_at(&self, address: &Address, limit: u64, cancel: &CancelToken) -> Result<Vec<u8>> {
        small::get(address, limit, self, cancel)
    }

    /// Gets a catalogue and its signature and checks it against the pinned key. `url` is that of `catalog.json`; the
    /// signature is at the same URL with `.minisig` behind its path. Whether it is fresh is for
    /// [`Catalog::check_fresh`] to say.
    ///
    /// # Errors
    /// [`Error::Network`], [`Error::Untrusted`], [`Error::Cancelled`].
    pub fn catalog(&self, url: &str, key: &PublicKey, cancel: &CancelToken) -> Result<Catalog> {
        let address = Address::parse(url)?;
        let shown = address.shown();
        self.signed(&address, MAX_CATALOG_BYTES, cancel, |json, signature| {
            Catalog::verify(&shown, json, signature, key)
        })
    }

    /// Gets a small file and its detached signature, and what `check` makes of both.
    ///
    /// # Errors
    /// [`Error::Network`], [`Error::Untrusted`], [`Error::Cancelled`], and whatever `check` says.
    pub(crate) fn signed<T>(
        &self,
        address: &Address,
        limit: u64,
        cancel: &CancelToken,
        check: impl Fn(&[u8], &str) -> Result<T>,
    ) -> Result<T> {
        let get = || {
            let content = self.small_at(address, limit, cancel)?;
            let signature = self.small_at(&address.with_ending(SIGNATURE)?, MAX_SIGNATURE_BYTES, cancel)?;
            // What is no text is no signature; `check` says so.
            check(&content, &String::from_utf8_lossy(&signature))
        };
        match get() {
            // It may have been published anew between the two requests.
            Err(Error::Untrusted { .. }) => get(),
            other => other,
        }
    }
}
