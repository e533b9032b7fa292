//! The store's files: where they are, how they are locked, read and replaced.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::disk::atomic;
use crate::disk::files;
use crate::disk::hash::Sha256;
use crate::disk::lock::{LONGEST_CHANGE, Lock};
use crate::error::{Error, Result};
use crate::library::catalog::MAX_PACK_BYTES;

const ENDING: &str = ".cones";
/// The longest header of a pack and its preview lie within so many bytes.
const START: u64 = 66 << 10;

/// Where a store is.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn make(path: &Path) -> Result<Self> {
        if path.as_os_str().is_empty() {
            return Err(Error::BadStore {
                path: path.to_path_buf(),
                reason: "no folder is named".into(),
                hint: "name one; the current folder is `.`".into(),
            });
        }
        let folder = Self { path: path.to_path_buf() };
        for path in [folder.objects(), folder.downloads()] {
            match fs::create_dir_all(&path).map_err(Error::io("create", &path)) {
                // Packs that come with an app may have lost their empty folders; and where nothing was ever installed, that can be said.
                Err(error) if is_read_only(&error) => {}
                made => made?,
            }
        }
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the store can be read though locking it failed so: it may not be written to, or could not be made.
    pub(super) fn is_for_reading(&self, error: &Error) -> bool {
        is_read_only(error) || !self.path.is_dir()
    }

    pub(super) fn index(&self) -> PathBuf {
        self.path.join("store.json")
    }

    /// What is remembered of publishers, besides in the list.
    pub(super) fn memory(&self) -> PathBuf {
        self.path.join("trust.json")
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    pub(super) fn downloads(&self) -> PathBuf {
        self.path.join("downloads")
    }

    /// A pack's file.
    pub(super) fn object(&self, sha256: Sha256) -> PathBuf {
        self.objects().join(format!("{sha256}{ENDING}"))
    }

    /// Where a pack is downloaded to.
    pub(super) fn download(&self, sha256: Sha256) -> PathBuf {
        self.downloads().join(format!("{sha256}{ENDING}"))
    }

    /// What is held while that pack is downloaded and taken in.
    pub(super) fn download_lock(&self, sha256: Sha256) -> PathBuf {
        self.downloads().join(format!("{sha256}.lock"))
    }

    /// Waits until nobody else changes the store. There is one who does at a time, among all processes and threads; the
    /// system frees the lock when its process ends, however that comes about.
    ///
    /// # Errors
    /// [`Error::Busy`] where another one does not come to an end; [`Error::Io`].
    pub(super) fn lock(&self) -> Result<Lock> {
        // On a disk that nobody may write to a store is opened without its folder: whoever would change it is told why there is none.
        fs::create_dir_all(&self.path).map_err(Error::io("create", &self.path))?;
        Lock::wait_for(&self.lock_file(), LONGEST_CHANGE)
    }

    /// The lock, if nobody has it just now.
    pub(super) fn try_lock(&self) -> Result<Option<Lock>> {
        Lock::attempt(&self.lock_file())
    }

    fn lock_file(&self) -> PathBuf {
        self.path.join(".lock")
    }

    /// Removes a pack's file that is no longer listed. What cannot be removed now is cleared at the next open.
    pub(super) fn discard(&self, sha256: Sha256, _: &Lock) {
        let path = self.object(sha256);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            log::debug!("cannot remove {}: {error}", path.display());
        }
    }
}

/// Whether the store may not be written to.
fn is_read_only(error: &Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error, Error::Io { source, .. } if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem))
}

/// The hash that an object's file is named by; none for other files.
pub(super) fn hash_of(file: &OsStr) -> Option<Sha256> {
    // In lower case alone: it is the name that the store itself gives.
    let name = file.to_str()?.strip_suffix(ENDING)?;
    name.parse().ok().filter(|hash: &Sha256| hash.to_string() == name)
}

/// Whether a file was being written by somebody who did not come to the end.
pub(super) fn is_unfinished(file: &OsStr) -> bool {
    file.to_str().is_some_and(|name| name.ends_with(atomic::BEING_REPLACED))
}

/// Puts `bytes` at `path`, which holds either what it held before or all of them, whatever happens.
pub(super) fn replace(path: &Path, bytes: &[u8], _: &Lock) -> Result<()> {
    atomic::replace(path, bytes)
}

/// Moves a file, whose content was flushed, within the store, in a way that outlasts a loss of power.
pub(super) fn rename(from: &Path, to: &Path, _: &Lock) -> Result<()> {
    fs::rename(from, to).map_err(Error::io("rename", from))?;
    files::sync_folder(files::folder_of(to));
    Ok(())
}

/// The whole of a pack's file if it has at most `most` bytes, one more otherwise.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
    // A pipe would be waited for, a device has no end.
    if !metadata.is_file() {
        return Err(Error::io("read", path)(io::Error::other("it is no file")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(most).min(MAX_PACK_BYTES)).unwrap_or(0));
    let file = File::open(path).map_err(Error::io("read", path))?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    Ok(bytes)
}

/// The first bytes of a pack's file, in which its header and preview are.
pub(super) fn read_start(path: &Path) -> Result<Vec<u8>> {
    read(path, START)
}
