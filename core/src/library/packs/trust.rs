//! Catalogues and statements of keys, and which of them this device has seen.

use crate::cancel::CancelToken;
use crate::clock::now;
use crate::error::{Error, Result};
use crate::library::address::Address;
use crate::library::catalog::{Catalog, MAX_CATALOG_BYTES, PublicKey};
use crate::library::download::Downloader;
use crate::library::trust::follow;
use crate::library::trust::keys::TrustedKeys;
use crate::library::trust::statement::{KeyStatement, STATEMENT};

use super::index::Index;
use super::store::PackStore;

impl PackStore {
    /// Gets a catalogue, checks it against the pinned key, and refuses one older than this store has seen from that key. Where the
    /// pinned key has handed signing over to others, by the statement `keys.json` beside the catalogue or by one that this store
    /// remembers, the catalogue is checked against those (see [`trust`](crate::library::trust)).
    ///
    /// # Errors
    /// As [`Downloader::catalog`] and [`Catalog::check_fresh`]; [`Error::Untrusted`] for a statement of keys that is damaged, has
    /// expired, or is older than one that was seen; [`Error::BadStore`], [`Error::Io`].
    pub fn catalog(
        &self,
        downloader: &Downloader,
        url: &str,
        key: &PublicKey,
        cancel: &CancelToken,
    ) -> Result<Catalog> {
        let address = Address::parse(url)?;
        let shown = address.shown();
        let beside = address.beside(STATEMENT);
        if let Some(statement) = follow::fetch(downloader, &beside, key, cancel)? {
            self.note(&beside.shown(), &statement)?;
        }
        let keys = self.trusted_keys(key, now())?;
        let catalog = downloader.signed(&address, MAX_CATALOG_BYTES, cancel, |json, signature| {
            Catalog::verify_by(&shown, json, signature, &keys)
        })?;
        self.accept(&shown, catalog, now())
    }

    /// Checks a catalogue that the app got by its own means, and refuses one older than this store has seen from its
    /// key: the bytes of `catalog.json` and the text of its signature. `what` is what messages call it, `now` is in seconds since 1970
    /// (UTC). Where the pinned key hands signing over to others, its statement goes to [`accept_keys`](Self::accept_keys) first.
    ///
    /// # Errors
    /// As [`Catalog::verify`] and [`Catalog::check_fresh`]; [`Error::BadStore`], [`Error::Io`].
    pub fn accept_catalog(
        &self,
        what: &str,
        json: &[u8],
        signature: &str,
        key: &PublicKey,
        now: u64,
    ) -> Result<Catalog> {
        let keys = self.trusted_keys(key, now)?;
        let catalog = Catalog::verify_by(what, json, signature, &keys)?;
        self.accept(what, catalog, now)
    }

    /// Checks a statement of keys that the app got by its own means, and remembers it: the bytes of `keys.json` and the text of its
    /// signature, which has to be the pinned key's. [`catalog`](Self::catalog) does so by itself. `what` is what messages call it, `now`
    /// is in seconds since 1970 (UTC).
    ///
    /// # Errors
    /// As [`KeyStatement::verify`] and [`KeyStatement::check_fresh`]; [`Error::Untrusted`] for one that is older than this store has seen;
    /// [`Error::BadStore`], [`Error::Io`].
    pub fn accept_keys(
        &self,
        what: &str,
        json: &[u8],
        signature: &str,
        key: &PublicKey,
        now: u64,
    ) -> Result<KeyStatement> {
        let statement = KeyStatement::verify(what, json, signature, key)?;
        self.note(what, &statement)?;
        statement.check_fresh(what, now)?;
        Ok(statement)
    }

    /// The keys whose signatures count for a pinned key, by what this store remembers. `now` is in seconds since 1970 (UTC).
    ///
    /// # Errors
    /// [`Error::Untrusted`] where the newest statement that was seen has expired; [`Error::BadStore`], [`Error::Io`].
    pub fn trusted_keys(&self, key: &PublicKey, now: u64) -> Result<TrustedKeys> {
        follow::counting(&self.index()?.remembering(&self.folder).memory, key, now)
    }

    /// Notes a statement whose signature is right.
    fn note(&self, what: &str, statement: &KeyStatement) -> Result<()> {
        // Readers take no lock, and mostly there is nothing new.
        if self.index()?.remembering(&self.folder).memory.note(what, statement)? {
            self.change(|index| index.memory.note(what, statement).map(drop))?;
        }
        Ok(())
    }

    /// Checks a catalogue whose signature is right against the clock and against what was seen, and notes its serial, what it
    /// withdraws, and which installed packs it vouches for.
    fn accept(&self, what: &str, catalog: Catalog, now: u64) -> Result<Catalog> {
        let (Some(root), Some(key)) = (catalog.signed_by.publisher.as_deref(), catalog.signed_by.key()) else {
            return Err(Error::Untrusted {
                what: what.into(),
                reason: "nobody signed it".into(),
                hint: "ask its publisher for its signature".into(),
            });
        };
        let mut index = self.index()?.remembering(&self.folder);
        catalog.check_fresh(what, now, index.memory.serial(root))?;
        if index.memory.serial_of(root, key) != Some(catalog.serial) || index.vouch(&catalog) {
            self.change(|index| {
                // Another process may have seen a newer one meanwhile.
                catalog.check_fresh(what, now, index.memory.serial(root))?;
                index.memory.saw(root, key, catalog.serial, &catalog.withdrawn);
                index.vouch(&catalog);
                Ok(())
            })?;
        }
        Ok(catalog)
    }

    /// Changes what is remembered, in both files.
    fn change(&self, change: impl FnOnce(&mut Index) -> Result<()>) -> Result<()> {
        let lock = self.folder.lock()?;
        let mut index = self.index_locked(&lock)?.remembering(&self.folder);
        change(&mut index)?;
        index.memory.write(&self.folder.memory())?;
        index.write(&self.folder, &lock)
    }
}
