//! Putting packs in.

use std::path::Path;

use crate::disk::hash::Sha256;
use crate::disk::space;
use crate::error::{Error, Result};
use crate::library::catalog::signed_by::SignedBy;
use crate::library::catalog::{MAX_PACK_BYTES, PackEntry};
use crate::model::manifest::Manifest;
use crate::subjects::pack::{self, Header, Pack};

use crate::disk::lock::Lock;

use super::folder;
use super::index::{Index, Record};
use super::installed::Installed;
use super::store::PackStore;

impl PackStore {
    /// Installs a pack file, in place of an installed pack of the same name and fingerprint, be it newer or older. With
    /// a manifest the whole pack is decoded for that base model first; without one its header and checksums are checked.
    ///
    /// # Errors
    /// [`Error::Untrusted`] when it would take the place of another file that a publisher vouched for;
    /// [`Error::BadPack`], [`Error::WrongModel`], [`Error::OutOfSpace`], [`Error::BadStore`], [`Error::Io`].
    pub fn install_file(&self, file: &Path, manifest: Option<&Manifest>) -> Result<Installed> {
        let name = file.display().to_string();
        let most = most_bytes(manifest);
        let bytes = folder::read(file, most)?;
        if bytes.len() as u64 > most {
            return Err(Error::pack(name, None, format!("it is longer than any pack may be, {most} bytes")));
        }
        let header = decode(&name, &bytes, manifest)?;
        let record = Record::new(&header, &bytes, &SignedBy::default());
        self.commit(header, record, None, |path, lock| folder::replace(path, &bytes, lock))
    }

    /// Installs a pack of a catalogue from a file that the app got by its own means. The file is left where it is.
    ///
    /// # Errors
    /// [`Error::Untrusted`] when length, hash or metadata are not what the catalogue says, or a newer version is
    /// installed; and as [`install_file`](Self::install_file).
    pub fn install_downloaded(&self, file: &Path, entry: &PackEntry, manifest: Option<&Manifest>) -> Result<Installed> {
        let (header, bytes) = checked(file, entry, manifest)?;
        let record = Record::new(&header, &bytes, &entry.signed_by);
        self.commit(header, record, Some(entry), |path, lock| folder::replace(path, &bytes, lock))
    }

    /// Refuses an entry of a catalogue where a newer version is installed: who wants to go back removes that first. What is there on
    /// the word of a revoked key alone may have any version.
    pub(super) fn check_version(index: &Index, entry: &PackEntry) -> Result<()> {
        let installed = index.exactly(&entry.name, entry.fingerprint);
        match installed.filter(|record| index.revocation(record).is_none()) {
            Some(record) if record.metadata.version > entry.version => Err(Error::Untrusted {
                what: entry.name.clone(),
                reason: format!(
                    "the catalogue has version {}, and version {} is installed",
                    entry.version, record.metadata.version
                ),
                hint: "keep the newer one, or remove it before installing the older one".into(),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses to put something in place of what a publisher vouched for, unless the same publisher vouches for it: who wants that
    /// removes the other first.
    pub(super) fn check_publisher(installed: Option<&Record>, name: &str, publisher: Option<&str>) -> Result<()> {
        let Some(known) = installed.and_then(|installed| installed.publisher.as_deref()) else { return Ok(()) };
        let reason = match publisher {
            Some(publisher) if publisher == known => return Ok(()),
            Some(publisher) => format!("another publisher offers it (key {publisher})"),
            None => "nobody vouches for this file".to_owned(),
        };
        Err(Error::Untrusted {
            what: name.into(),
            reason: format!("it is installed from a catalogue of the key {known}, and {reason}"),
            hint: "keep it, or remove it before installing the other one".into(),
        })
    }

    /// Makes a checked pack part of the store. `place` puts its file where it is told.
    pub(super) fn commit(
        &self,
        header: Header,
        mut record: Record,
        entry: Option<&PackEntry>,
        place: impl FnOnce(&Path, &Lock) -> Result<()>,
    ) -> Result<Installed> {
        let lock = self.folder.lock()?;
        let mut index = self.index_locked(&lock)?;
        if let Some(entry) = entry {
            Self::check_version(&index, entry)?;
        }
        match index.exactly(record.name(), record.fingerprint) {
            // The very file, by whatever way it came again.
            Some(same) if same.sha256 == record.sha256 => {
                if record.publisher.is_none() {
                    record.vouch(&same.signed_by());
                }
            }
            other => Self::check_publisher(other, record.name(), record.publisher.as_deref())?,
        }
        // What was downloaded to the store's own folder is counted twice; near the last megabyte that does no harm.
        space::check(&self.folder.objects(), record.bytes)?;
        let installed = self.installed_as(&index, &record, header);
        let (sha256, path) = (record.sha256, self.folder.object(record.sha256));
        let was_there = index.lists(sha256);
        let replaced = index.put(record);
        if let Err(error) = place(&path, &lock).and_then(|()| index.write(&self.folder, &lock)) {
            if !was_there {
                self.folder.discard(sha256, &lock);
            }
            return Err(error);
        }
        if let Some(old) = replaced.filter(|old| !index.lists(old.sha256)) {
            self.folder.discard(old.sha256, &lock);
        }
        Ok(installed)
    }
}

/// How long a pack may be.
pub(super) fn most_bytes(manifest: Option<&Manifest>) -> u64 {
    manifest.map_or(MAX_PACK_BYTES, |manifest| pack::max_bytes(&manifest.layers).min(MAX_PACK_BYTES))
}

/// A file that is what a catalogue says, whole and decodable: its header and its bytes.
pub(super) fn checked(file: &Path, entry: &PackEntry, manifest: Option<&Manifest>) -> Result<(Header, Vec<u8>)> {
    let untrusted = |reason: String| Error::Untrusted {
        what: entry.name.clone(),
        reason,
        hint: "download it again; if that does not help, ask its publisher".into(),
    };
    let most = entry.bytes.min(most_bytes(manifest));
    let bytes = folder::read(file, most)?;
    if bytes.len() as u64 != entry.bytes {
        return Err(untrusted(format!("its length is not the catalogue's, {} bytes", entry.bytes)));
    }
    let hash = Sha256::digest(&bytes);
    if hash != entry.sha256 {
        return Err(untrusted(format!("its SHA-256 is {hash}, not the catalogue's")));
    }
    let header = decode(&entry.name, &bytes, manifest)?;
    entry.check_header(&header)?;
    Ok((header, bytes))
}

fn decode(name: &str, bytes: &[u8], manifest: Option<&Manifest>) -> Result<Header> {
    let header = Header::read(name, bytes)?;
    if let Some(manifest) = manifest {
        Pack::decode(name, bytes, manifest)?;
    }
    Ok(header)
}
