//! Whose signatures count for a bundle's manifest that no catalogue vouches for.

use std::path::Path;

use crate::cancel::CancelToken;
use crate::clock::now;
use crate::disk::files;
use crate::disk::lock::Lock;
use crate::error::Result;
use crate::library::address::Address;
use crate::library::catalog::{MAX_SIGNATURE_BYTES, PublicKey};
use crate::library::download::{Downloader, SIGNATURE};
use crate::library::trust::follow;
use crate::library::trust::keys::TrustedKeys;
use crate::library::trust::memory::Memory;
use crate::library::trust::statement::{KeyStatement, MAX_STATEMENT_BYTES, STATEMENT};

use super::folder::LOCK;
use super::handover::read;
use super::store::BundleStore;

/// The folder in which `cones publish` puts bundles, below that of the catalogue.
const PUBLISHED: &str = "bundles";

impl BundleStore {
    /// The keys that count for the manifest at an address, after asking for the pinned key's statement: it lies beside the catalogue,
    /// where the bundle lies as `cones publish` lays it, else beside the manifest.
    pub(super) fn follow(
        &self,
        downloader: &Downloader,
        manifest: &Address,
        key: &PublicKey,
        cancel: &CancelToken,
    ) -> Result<TrustedKeys> {
        let address = manifest.above(PUBLISHED, STATEMENT).unwrap_or_else(|| manifest.beside(STATEMENT));
        if let Some(statement) = follow::fetch(downloader, &address, key, cancel)? {
            self.note(&address.shown(), &statement, cancel)?;
        }
        follow::counting(&self.memory(), key, now())
    }

    /// The keys that count for the manifest in a folder, which may hold the pinned key's statement.
    pub(super) fn follow_folder(&self, from: &Path, key: &PublicKey, cancel: &CancelToken) -> Result<TrustedKeys> {
        let path = from.join(STATEMENT);
        if path.is_file() {
            let what = path.display().to_string();
            let signature = read(&files::beside(&path, "", SIGNATURE), MAX_SIGNATURE_BYTES)?;
            let json = read(&path, MAX_STATEMENT_BYTES)?;
            if let Some(statement) = follow::read(&what, &json, &String::from_utf8_lossy(&signature), key)? {
                self.note(&what, &statement, cancel)?;
            }
        }
        follow::counting(&self.memory(), key, now())
    }

    fn memory(&self) -> Memory {
        Memory::read(&self.folder.memory())
    }

    /// Notes a statement whose signature is right.
    fn note(&self, what: &str, statement: &KeyStatement, cancel: &CancelToken) -> Result<()> {
        if !self.memory().note(what, statement)? {
            return Ok(());
        }
        let _lock = Lock::wait(&self.folder.path().join(LOCK), cancel)?;
        let mut memory = self.memory();
        memory.note(what, statement)?;
        memory.write(&self.folder.memory())
    }
}
