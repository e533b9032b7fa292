//! The store itself: what is installed, read and removed.

use std::path::Path;

use crate::disk::hash::Sha256;
use crate::disk::lock::Lock;
use crate::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::subjects::pack::{Header, Pack};
use crate::subjects::subject::Subject;

use super::clean;
use super::folder::{self, Folder};
use super::index::{Index, Record};
use super::installed::Installed;

/// A folder of installed packs. Any number of processes and threads may use one folder at once.
#[derive(Debug, Clone)]
pub struct PackStore {
    pub(super) folder: Folder,
    takes_withdrawn: bool,
}

impl PackStore {
    /// Opens the store in a folder, which is made if need be. Remains of interrupted installs are cleared away; parts of
    /// downloads stay for seven days, to be resumed. A store that cannot be written to, or made, can be read:
    /// where nothing was ever installed, nothing is.
    ///
    /// # Errors
    /// [`Error::BadStore`] when a newer version made it; [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let store = Self { folder: Folder::make(path.as_ref())?, takes_withdrawn: false };
        match store.folder.try_lock() {
            Ok(Some(lock)) => {
                let index = store.index_locked(&lock)?;
                clean::clean(&store.folder, &index, &lock);
            }
            // Somebody is at work; what killed processes left is nobody's hurry. A newer version's is refused all the same.
            Ok(None) => drop(Index::read(&store.folder)?),
            Err(error) if store.folder.is_for_reading(&error) => {
                // A newer version's is refused all the same.
                Index::read(&store.folder)?;
                log::debug!("a pack store is read only: {error}");
            }
            Err(error) => return Err(error),
        }
        Ok(store)
    }

    /// Loads packs all the same that their publisher has withdrawn: for an app that asks its user.
    #[must_use]
    pub fn with_withdrawn(mut self) -> Self {
        self.takes_withdrawn = true;
        self
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What is installed, by name and fingerprint. Files are not hashed; one that is damaged is listed like the others,
    /// so that it can be seen and removed, and [`verify`](Self::verify) says what is wrong with it.
    ///
    /// # Errors
    /// [`Error::BadStore`], [`Error::Io`].
    pub fn list(&self) -> Result<Vec<Installed>> {
        let index = self.index()?;
        Ok(index.packs().iter().map(|record| self.installed(&index, record)).collect())
    }

    /// An installed pack by name; where several base models' packs share the name, that of `fingerprint`.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the names that are installed; [`Error::BadRequest`] when no fingerprint is given and the
    /// name is installed for several base models; [`Error::BadStore`], [`Error::Io`].
    pub fn get(&self, name: &str, fingerprint: Option<Sha256>) -> Result<Installed> {
        let index = self.index()?;
        Ok(self.installed(&index, index.find(name, fingerprint)?))
    }

    /// Reads, checks and decodes an installed pack for a base model.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::WrongModel`] when the name is installed for other base models only;
    /// [`Error::Untrusted`] when its publisher has withdrawn it or revoked the key that had vouched for it, unless the store was told to take it
    /// ([`with_withdrawn`](Self::with_withdrawn));
    /// [`Error::BadPack`] when its file was damaged or lost since; [`Error::BadStore`], [`Error::Io`].
    pub fn load(&self, name: &str, manifest: &Manifest) -> Result<Pack> {
        let bytes = self.read(|index| self.usable(index, name, manifest))?;
        Pack::decode(name, &bytes, manifest)
    }

    /// An installed pack as a request takes it, at full strength; it knows its file's hash, for the recipe.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn subject(&self, name: &str, manifest: &Manifest) -> Result<Subject> {
        let bytes = self.read(|index| self.usable(index, name, manifest))?;
        Ok(Pack::decode(name, &bytes, manifest)?.subject().from_pack(Sha256::digest(&bytes)))
    }

    /// Removes a pack by name, damaged or not; of all base models, if no fingerprint is given. Says whether there was one.
    ///
    /// # Errors
    /// [`Error::BadStore`], [`Error::Io`].
    pub fn remove(&self, name: &str, fingerprint: Option<Sha256>) -> Result<bool> {
        let lock = self.folder.lock()?;
        let mut index = self.index_locked(&lock)?;
        let removed = index.take(name, fingerprint);
        if removed.is_empty() {
            return Ok(false);
        }
        let discard = || removed.iter().for_each(|record| self.folder.discard(record.sha256, &lock));
        match index.write(&self.folder, &lock) {
            // A disk that is full to the last byte: the packs' own room is enough for the list without them.
            Err(Error::OutOfSpace { .. }) => {
                discard();
                index.write(&self.folder, &lock)?;
            }
            written => {
                written?;
                discard();
            }
        }
        Ok(true)
    }

    /// Hashes every file again; gives each pack that is damaged or lost with the reason.
    ///
    /// # Errors
    /// [`Error::BadStore`], [`Error::Io`] when the store itself cannot be read.
    pub fn verify(&self) -> Result<Vec<(Installed, Error)>> {
        let mut damaged = Vec::new();
        let index = self.index()?;
        for record in index.packs() {
            let (name, fingerprint) = (record.name(), Some(record.fingerprint));
            match self.read(|index| index.find(name, fingerprint)) {
                // Removed meanwhile.
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => damaged.push((self.installed(&index, record), error)),
            }
        }
        Ok(damaged)
    }

    /// The pack of this name for a base model, unless it was withdrawn.
    fn usable<'a>(&self, index: &'a Index, name: &str, manifest: &Manifest) -> Result<&'a Record> {
        let record = index.find_for(name, manifest)?;
        match index.withdrawal(record).filter(|_| !self.takes_withdrawn) {
            None => Ok(record),
            Some(reason) => Err(withdrawn(record, &reason)),
        }
    }

    fn installed(&self, index: &Index, record: &Record) -> Installed {
        let path = self.folder.object(record.sha256);
        let preview = folder::read_start(&path)
            .and_then(|start| Header::preview(record.name(), &start))
            .unwrap_or_else(|error| {
                log::debug!("an installed pack has no preview that can be read: {error}");
                None
            });
        self.installed_as(index, record, record.header(preview))
    }

    /// A pack of the list whose file says this of itself.
    pub(super) fn installed_as(&self, index: &Index, record: &Record, header: Header) -> Installed {
        Installed {
            header,
            sha256: record.sha256,
            bytes: record.bytes,
            publisher: record.publisher.clone(),
            withdrawn: index.withdrawal(record),
            path: self.folder.object(record.sha256),
        }
    }

    /// The bytes of an installed pack, which are those that were installed. When its file is gone because the pack was
    /// replaced since the index was read, looks again.
    fn read(&self, find: impl for<'a> Fn(&'a Index) -> Result<&'a Record>) -> Result<Vec<u8>> {
        let mut last: Option<Sha256> = None;
        loop {
            let index = self.index()?;
            let record = find(&index)?;
            let path = self.folder.object(record.sha256);
            match folder::read(&path, record.bytes) {
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    if last == Some(record.sha256) {
                        return Err(lost(record.name(), "its file is gone"));
                    }
                    last = Some(record.sha256);
                }
                Err(error) => return Err(error),
                Ok(bytes) => return check(record, bytes),
            }
        }
    }

    /// What is installed now. Mends a damaged index first.
    pub(super) fn index(&self) -> Result<Index> {
        match Index::read(&self.folder)? {
            Some(index) => Ok(index),
            None => match self.folder.lock() {
                Ok(lock) => self.index_locked(&lock),
                Err(error) if self.folder.is_for_reading(&error) => Index::scan(&self.folder),
                Err(error) => Err(error),
            },
        }
    }

    pub(super) fn index_locked(&self, lock: &Lock) -> Result<Index> {
        match Index::read(&self.folder)? {
            Some(index) => Ok(index),
            None => Index::rebuild(&self.folder, lock),
        }
    }
}

/// Gives the bytes back if they are what was installed.
fn check(record: &Record, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if bytes.len() as u64 == record.bytes && Sha256::digest(&bytes) == record.sha256 {
        return Ok(bytes);
    }
    // The pack's own checksums know which part is damaged.
    Header::read(record.name(), &bytes)?;
    Err(lost(record.name(), "its file is not the one that was installed"))
}

fn withdrawn(record: &Record, reason: &str) -> Error {
    let reason = if reason.is_empty() { "it does not say why" } else { reason };
    Error::Untrusted {
        what: record.name().into(),
        reason: format!("its publisher has withdrawn it: {reason}"),
        hint: "remove it, or install a newer version of it".into(),
    }
}

fn lost(name: &str, reason: &str) -> Error {
    Error::BadPack { pack: name.into(), reason: reason.into(), at: None, hint: "install it again, or remove it".into() }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::subjects::mask::ConceptMask;
    use crate::subjects::pack::{Metadata, Precision};

    fn install(store: &PackStore, version: u32) -> Vec<u8> {
        let mut metadata = Metadata::new("rex", "rex", "");
        metadata.version = version;
        let pack = Pack::new(metadata, Sha256::from_bytes([0xab; 32]), ConceptMask::empty(&[]), Precision::Binary);
        let bytes = pack.encode().expect("within limits");
        let file = store.path().join("file.cones");
        std::fs::write(&file, &bytes).expect("a file");
        store.install_file(&file, None).expect("installed");
        bytes
    }

    /// A reader that is overtaken by replacements between list and file, again and again, gets the newest one.
    #[test]
    fn a_reader_that_is_overtaken_looks_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = PackStore::open(folder.path()).expect("a store");
        install(&store, 1);
        let (version, newest) = (Cell::new(1), Cell::new(Vec::new()));
        let read = store.read(|index| {
            if version.get() < 20 {
                version.set(version.get() + 1);
                newest.set(install(&store, version.get()));
            }
            index.find("rex", None)
        });
        assert_eq!(read.expect("installed"), newest.take());
    }

    #[test]
    fn a_reader_that_is_overtaken_by_a_removal_finds_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = PackStore::open(folder.path()).expect("a store");
        install(&store, 1);
        let read = store.read(|index| {
            store.remove("rex", None).expect("an answer");
            index.find("rex", None)
        });
        assert!(matches!(read, Err(Error::NotFound { .. })), "{read:?}");
    }
}
