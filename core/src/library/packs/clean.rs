//! What interrupted work left behind.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use crate::disk::age;
use crate::disk::hash::Sha256;
use crate::disk::lock::Lock;

use super::folder::{self, Folder};
use super::index::Index;

/// Clears it. Whoever writes objects holds the lock, so that an unfinished one is nobody's, and so is one that is not
/// listed. Downloads go on for minutes without it; what is left of them goes by its age. What cannot be removed is in
/// nobody's way.
pub(super) fn clean(folder: &Folder, index: &Index, _: &Lock) {
    for (path, name) in files(&folder.objects()) {
        if folder::is_unfinished(&name) || folder::hash_of(&name).is_some_and(|hash| !index.lists(hash)) {
            remove(&path);
        }
    }
    for (path, name) in files(folder.path()) {
        if folder::is_unfinished(&name) {
            remove(&path);
        }
    }
    for (path, name) in files(&folder.downloads()) {
        if is_stale(&path) {
            remove_download(folder, &path, &name);
        }
    }
}

/// The files of a folder, links not among them.
fn files(folder: &Path) -> Vec<(PathBuf, OsString)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_file = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    entries.flatten().filter(is_file).map(|entry| (entry.path(), entry.file_name())).collect()
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        log::debug!("cannot remove {}: {error}", path.display());
    }
}

/// Removes whatever a download left that is over: an earlier process may have been killed just before it did so. The
/// caller holds the download's lock, whose own file goes when it is given back.
pub(super) fn clean_download(folder: &Folder, sha256: Sha256) {
    let lock = folder.download_lock(sha256);
    for (path, name) in files(&folder.downloads()) {
        if download_of(&name.to_string_lossy()) == Some(sha256) && path != lock {
            remove(&path);
        }
    }
}

/// The hash of the pack that a file in the folder of downloads is for.
fn download_of(name: &str) -> Option<Sha256> {
    name.trim_start_matches('.').get(..64)?.parse().ok()
}

/// Removes a file of a download, except while somebody takes that download up again.
fn remove_download(folder: &Folder, path: &Path, name: &OsStr) {
    let name = name.to_string_lossy();
    let Some(hash) = download_of(&name) else { return remove(path) };
    let lock = folder.download_lock(hash);
    // The lock's own file goes when it is given back.
    if let Ok(Some(_lock)) = Lock::attempt(&lock)
        && path != lock
    {
        remove(path);
    }
}

fn is_stale(path: &Path) -> bool {
    fs::metadata(path).and_then(|metadata| metadata.modified()).is_ok_and(age::is_stale)
}
