//! What the client gets: files, small answers, catalogues.

use std::path::Path;

use super::client::{Downloader, SIGNATURE};
use super::expected::Expected;
use super::received::Watch;
use super::{fetch, small};
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::library::address::Address;
use crate::library::catalog::{Catalog, MAX_CATALOG_BYTES, MAX_SIGNATURE_BYTES, PublicKey};

impl Downloader {
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

    /// As [`small_at`](Self::small_at), of a file that need not be there.
    pub(crate) fn small_if_there(
        &self,
        address: &Address,
        limit: u64,
        cancel: &CancelToken,
    ) -> Result<Option<Vec<u8>>> {
        small::get_if_there(address, limit, self, cancel)
    }

    /// Gets a catalogue and its signature and checks it against the pinned key's own signature; statements of keys are for
    /// [`PackStore::catalog`](crate::library::packs::PackStore::catalog), which remembers them. `url` is that of `catalog.json`; the
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
