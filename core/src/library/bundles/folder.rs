//! The store's folders on disk, and how they change places.
//!
//! ```text
//! NAME/             an installed bundle
//! .staging-HASH/    one that is coming; HASH is the SHA-256 of its `bundle.json`
//! .replaced-NAME/   what `NAME` was, for the moment between two renames where folders cannot be exchanged
//! .removed-N/       to be deleted
//! .trust.json       what was seen of publishers: which keys count for the ones that apps pin
//! .bundles.lock     held by whoever moves one of these; there only meanwhile
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::disk::files;
use crate::disk::hash::Sha256;
use crate::disk::lock::{LONGEST_CHANGE, Lock};
use crate::error::{Error, Result};
use crate::model::bundle::MANIFEST;
use crate::subjects::pack::metadata::check_text;

pub(super) const STAGING: &str = ".staging-";
pub(super) const REPLACED: &str = ".replaced-";
pub(super) const REMOVED: &str = ".removed-";
pub(super) const LOCK: &str = ".bundles.lock";

/// Where a store is.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn make(path: &Path) -> Result<Self> {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        match std::fs::create_dir_all(path) {
            // Where nothing was ever installed, that can be said.
            Err(error) if matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem) => {}
            made => made.map_err(Error::io("create", path))?,
        }
        Ok(Self { path: path.to_path_buf() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is remembered of publishers.
    pub(super) fn memory(&self) -> PathBuf {
        self.path.join(".trust.json")
    }

    /// Where an installed bundle of this name is or would be. `name` was checked.
    pub(super) fn bundle(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where the bundle whose manifest has this hash is put together.
    pub(super) fn staging(&self, sha256: Sha256) -> PathBuf {
        self.path.join(format!("{STAGING}{sha256}"))
    }

    /// The names of the installed bundles, sorted.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let names = self.entries()?.into_iter();
        Ok(names.filter(|name| check_text("name", name).is_ok() && is_bundle(&self.path.join(name))).collect())
    }

    /// The names of the folders of bundles that are coming.
    pub(super) fn stagings(&self) -> Result<Vec<String>> {
        Ok(self
            .entries()?
            .into_iter()
            .filter(|name| name.starts_with(STAGING) && self.path.join(name).is_dir())
            .collect())
    }

    /// Refuses a name at which something stands that is no bundle.
    pub(super) fn check_place(&self, name: &str) -> Result<()> {
        let target = self.bundle(name);
        if is_bundle(&target) || std::fs::symlink_metadata(&target).is_err() {
            return Ok(());
        }
        let hint = "move it elsewhere, or use another folder for bundles".into();
        Err(Error::BadStore { path: target, reason: "this is in the way, and is no bundle".into(), hint })
    }

    /// Makes a whole folder the bundle `name`, in place of what that was. Whoever looks sees the one or the other.
    pub(super) fn publish(&self, staging: &Path, name: &str) -> Result<()> {
        let target = self.bundle(name);
        let lock = Lock::wait_for(&self.path.join(LOCK), LONGEST_CHANGE)?;
        if std::fs::symlink_metadata(&target).is_err() {
            std::fs::rename(staging, &target).map_err(Error::io("rename", staging))?;
            files::sync_folder(&self.path);
            return Ok(());
        }
        self.check_place(name)?;
        let old = match exchange(staging, &target) {
            Ok(()) => staging.to_path_buf(),
            Err(error) => {
                log::debug!("folders cannot be exchanged here: {error}");
                self.replace(staging, &target, name)?
            }
        };
        files::sync_folder(&self.path);
        let removed = self.discard(&old)?;
        drop(lock);
        delete(&removed);
        Ok(())
    }

    /// Removes a bundle; says whether there was one.
    pub(super) fn remove(&self, name: &str) -> Result<bool> {
        let target = self.bundle(name);
        let lock = Lock::wait_for(&self.path.join(LOCK), LONGEST_CHANGE)?;
        if !is_bundle(&target) {
            return Ok(false);
        }
        let removed = self.discard(&target)?;
        files::sync_folder(&self.path);
        drop(lock);
        delete(&removed);
        Ok(true)
    }

    /// Two renames where one does not do; [`recover`](Self::recover) knows of what lies between.
    pub(super) fn replace(&self, staging: &Path, target: &Path, name: &str) -> Result<PathBuf> {
        let old = self.path.join(format!("{REPLACED}{name}"));
        delete(&old);
        std::fs::rename(target, &old).map_err(Error::io("rename", target))?;
        if let Err(error) = std::fs::rename(staging, target) {
            let _ = std::fs::rename(&old, target);
            return Err(Error::io("rename", staging)(error));
        }
        Ok(old)
    }

    /// Takes a folder out of sight; what it gives is to be deleted.
    pub(super) fn discard(&self, path: &Path) -> Result<PathBuf> {
        // Of one process each has a number, for a clock may be set back or stand still before 1970; of processes that have one
        // number after another, each its time.
        static NTH: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let nth = NTH.fetch_add(1, Ordering::Relaxed);
        let removed = self.path.join(format!("{REMOVED}{}-{now}-{nth}", std::process::id()));
        std::fs::rename(path, &removed).map_err(Error::io("rename", path))?;
        Ok(removed)
    }

    pub(super) fn entries(&self) -> Result<Vec<String>> {
        let entries = match std::fs::read_dir(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(Error::io("read", &self.path))?,
        };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }
}

/// The lock of whoever fills a staging folder.
pub(super) fn lock_of(staging: &Path) -> PathBuf {
    files::beside(staging, "", ".lock")
}

/// Deletes a folder. What cannot be deleted now, as a file in use, is out of sight and is tried again at the next open.
pub(super) fn delete(path: &Path) {
    match std::fs::remove_dir_all(path) {
        // It may be a link to a folder elsewhere, which stays.
        Err(error) if error.kind() != io::ErrorKind::NotFound && std::fs::remove_file(path).is_err() => {
            log::debug!("cannot delete {}: {error}", path.display());
        }
        _ => {}
    }
}

fn is_bundle(path: &Path) -> bool {
    path.join(MANIFEST).is_file()
}

/// Bytes of the files in a folder.
pub(super) fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).filter(|found| found.is_file()).map(|found| found.len()).sum()
}

/// Two folders change names at once.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::bundles::sample::{bundle, folder, names, read};

    #[test]
    fn the_way_without_exchange_replaces_as_well() {
        let (_root, folder) = folder();
        bundle(&folder.bundle("toy"), "old");
        let staging = folder.staging(Sha256::digest("1"));
        bundle(&staging, "new");
        let old = folder.replace(&staging, &folder.bundle("toy"), "toy").expect("replaced");
        assert_eq!(read(&folder, "toy"), "new");
        delete(&old);
        assert_eq!(names(&folder), ["toy"]);
    }

    #[test]
    fn what_is_no_bundle_is_not_replaced() {
        let (_root, folder) = folder();
        let (staging, target) = (folder.staging(Sha256::digest("1")), folder.bundle("toy"));
        bundle(&staging, "new");
        std::fs::create_dir(&target).expect("a folder");
        std::fs::write(target.join("diary.txt"), "dear").expect("a file");
        assert!(matches!(folder.publish(&staging, "toy"), Err(Error::BadStore { .. })));
        assert!(!folder.remove("toy").expect("an answer"));
        assert!(target.join("diary.txt").is_file() && staging.is_dir());
    }
}
