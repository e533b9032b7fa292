//! What killed processes left in a store, and what nobody goes on with.

use std::path::Path;

use crate::disk::age;
use crate::disk::hash::Sha256;
use crate::disk::lock::Lock;
use crate::error::{Error, Result};
use crate::model::bundle::{MANIFEST, MAX_MANIFEST_BYTES};

use super::folder::{Folder, LOCK, REMOVED, REPLACED, STAGING, delete, lock_of, size};

impl Folder {
    /// Removes what is coming, unless somebody is at it. `which` is asked with its folder's path.
    pub(super) fn clear(&self, which: impl Fn(&Path) -> bool) -> Result<u64> {
        let mut freed = 0;
        for name in self.stagings()? {
            let path = self.path().join(&name);
            // Held while it is deleted: nobody may begin to fill it meanwhile.
            let Some(_lock) = Lock::attempt(&lock_of(&path))? else { continue };
            if which(&path) {
                freed += size(&path);
                delete(&path);
            }
        }
        // A process that was killed after its last rename leaves its lock alone; taking and dropping it removes it.
        for name in self.entries()?.iter().filter(|name| name.starts_with(STAGING) && name.ends_with(".lock")) {
            drop(Lock::attempt(&self.path().join(name))?);
        }
        Ok(freed)
    }

    /// Puts right what a killed process left, and clears away what nobody will go on with.
    pub(super) fn recover(&self) -> Result<()> {
        let Some(lock) = Lock::attempt(&self.path().join(LOCK))? else {
            // Somebody is at work, or puts it right just now.
            return Ok(());
        };
        let mut removed = Vec::new();
        for entry in self.entries()? {
            let path = self.path().join(&entry);
            if let Some(name) = entry.strip_prefix(REPLACED) {
                if std::fs::symlink_metadata(self.bundle(name)).is_err() {
                    std::fs::rename(&path, self.bundle(name)).map_err(Error::io("rename", &path))?;
                } else {
                    removed.push(self.discard(&path)?);
                }
            } else if entry.starts_with(REMOVED) {
                removed.push(path);
            }
        }
        drop(lock);
        removed.iter().for_each(|path| delete(path));
        self.clear(|path| is_leftover(path) || is_stale(path))?;
        Ok(())
    }
}

/// Whether this is an old bundle that was exchanged for the new one by a process that came no further.
fn is_leftover(staging: &Path) -> bool {
    let manifest = staging.join(MANIFEST);
    let Ok(found) = std::fs::metadata(&manifest) else { return false };
    let json = if found.len() <= MAX_MANIFEST_BYTES { std::fs::read(&manifest).ok() } else { None };
    json.is_some_and(|json| {
        let name = format!("{STAGING}{}", Sha256::digest(json));
        staging.file_name().is_some_and(|found| found != name.as_str())
    })
}

/// Whether nothing has come for so long that nobody will go on with it.
fn is_stale(staging: &Path) -> bool {
    let newest = std::fs::read_dir(staging)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.metadata().ok()?.modified().ok())
        .chain(std::fs::metadata(staging).and_then(|found| found.modified()))
        .max();
    newest.is_some_and(age::is_stale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::bundles::sample::{bundle, folder, names, read};

    /// A process that was killed between the two renames.
    #[test]
    fn what_was_replaced_by_nothing_comes_back() {
        let (_root, folder) = folder();
        bundle(&folder.path().join(".replaced-toy"), "old");
        folder.recover().expect("recovered");
        assert_eq!(read(&folder, "toy"), "old");
        assert_eq!(names(&folder), ["toy"]);
    }

    /// One that was killed after them, and one that was killed while it deleted.
    #[test]
    fn what_was_replaced_or_removed_is_deleted() {
        let (_root, folder) = folder();
        bundle(&folder.bundle("toy"), "new");
        bundle(&folder.path().join(".replaced-toy"), "old");
        bundle(&folder.path().join(".removed-1-2"), "older");
        folder.recover().expect("recovered");
        assert_eq!(read(&folder, "toy"), "new");
        assert_eq!(names(&folder), ["toy"]);
    }

    /// One that was killed after an exchange leaves the old bundle where the new one was put together.
    #[test]
    fn an_exchanged_bundle_is_deleted_and_one_that_is_coming_stays() {
        let (_root, folder) = folder();
        bundle(&folder.staging(Sha256::from_bytes([0; 32])), "old");
        let coming = folder.staging(Sha256::digest("new"));
        bundle(&coming, "new");
        std::fs::create_dir(folder.staging(Sha256::digest("empty"))).expect("a folder");
        folder.recover().expect("recovered");
        assert_eq!(folder.stagings().expect("names").len(), 2);
        assert!(coming.join(MANIFEST).is_file());
    }

    /// One that was killed between its last rename and its end.
    #[test]
    fn a_lock_that_nobody_holds_goes() {
        let (_root, folder) = folder();
        for path in [lock_of(&folder.staging(Sha256::digest("1"))), folder.path().join(LOCK)] {
            std::fs::write(path, "").expect("a file");
        }
        folder.recover().expect("recovered");
        assert!(names(&folder).is_empty(), "{:?}", names(&folder));
    }

    #[test]
    fn what_somebody_fills_is_not_cleared() {
        let (_root, folder) = folder();
        let staging = folder.staging(Sha256::digest("1"));
        bundle(&staging, "new");
        let lock = Lock::attempt(&lock_of(&staging)).expect("a lock").expect("it is free");
        assert_eq!(folder.clear(|_| true).expect("an answer"), 0);
        drop(lock);
        assert_eq!(folder.clear(|_| true).expect("an answer"), 3);
        assert!(names(&folder).is_empty());
    }
}
