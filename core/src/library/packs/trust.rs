//! Catalogues, and which of them this device has seen.

use crate::cancel::CancelToken;
use crate::clock::now;
use crate::error::Result;
use crate::library::address::shown;
use crate::library::catalog::{Catalog, PublicKey};
use crate::library::download::Downloader;

use super::store::PackStore;

impl PackStore {
    /// Gets a catalogue, checks it against the pinned key, and refuses one older than this store has seen from that key.
    ///
    /// # Errors
    /// As [`Downloader::catalog`] and [`Catalog::check_fresh`]; [`Error::BadStore`](crate::error::Error::BadStore),
    /// [`Error::Io`](crate::error::Error::Io).
    pub fn catalog(
        &self,
        downloader: &Downloader,
        url: &str,
        key: &PublicKey,
        cancel: &CancelToken,
    ) -> Result<Catalog> {
        let catalog = downloader.catalog(url, key, cancel)?;
        self.accept(&shown(url), catalog, key, now())
    }

    /// Checks a catalogue that the app got by its own means, and refuses one older than this store has seen from its
    /// key: the bytes of `catalog.json` and the text of its signature. `what` is what messages call it, `now` is in seconds since 1970 (UTC).
    ///
    /// # Errors
    /// As [`Catalog::verify`] and [`Catalog::check_fresh`]; [`Error::BadStore`](crate::error::Error::BadStore),
    /// [`Error::Io`](crate::error::Error::Io).
    pub fn accept_catalog(
        &self,
        what: &str,
        json: &[u8],
        signature: &str,
        key: &PublicKey,
        now: u64,
    ) -> Result<Catalog> {
        let catalog = Catalog::verify(what, json, signature, key)?;
        self.accept(what, catalog, key, now)
    }

    /// Checks a catalogue whose signature is right against the clock and against what was seen, and notes its serial and what it
    /// withdraws.
    fn accept(&self, what: &str, catalog: Catalog, key: &PublicKey, now: u64) -> Result<Catalog> {
        let seen = self.index()?.serial(key.base64());
        catalog.check_fresh(what, now, seen)?;
        if seen != Some(catalog.serial) {
            let lock = self.folder.lock()?;
            let mut index = self.index_locked(&lock)?;
            // Another process may have seen a newer one meanwhile.
            catalog.check_fresh(what, now, index.serial(key.base64()))?;
            index.saw(key.base64(), catalog.serial, &catalog.withdrawn);
            index.write(&self.folder, &lock)?;
        }
        Ok(catalog)
    }
}
