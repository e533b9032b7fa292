//! One process at a time: an advisory lock on a file that is there only while it is held.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cancel::CancelToken;
use crate::disk::space;
use crate::error::{Error, Result};

/// How often a lock that somebody else holds is tried again.
const POLL: Duration = Duration::from_millis(50);

/// For how long somebody who changes a store is waited for. Renames and lists take a moment; packs are read and copied within it, so
/// a slow disk is allowed for, and a process that hangs is not.
pub(crate) const LONGEST_CHANGE: Duration = Duration::from_secs(60);

/// A held lock. Dropping it removes the file; a killed process leaves the file, unlocked, to whoever comes next.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    /// The system frees the lock when this is closed.
    _file: File,
}

impl Lock {
    /// Waits until the lock is free, for as long as those take who change something in a moment, and no longer.
    ///
    /// # Errors
    /// [`Error::Busy`] once `longest` is over; [`Error::Io`].
    pub fn wait_for(path: &Path, longest: Duration) -> Result<Self> {
        let begun = Instant::now();
        loop {
            if let Some(lock) = Self::attempt(path)? {
                return Ok(lock);
            }
            let waited = begun.elapsed();
            if waited >= longest {
                return Err(Error::busy(path, waited.as_secs()));
            }
            std::thread::sleep(POLL.min(longest - waited));
        }
    }

    /// Waits until the lock is free, for as long as it takes: of downloads, which a cancel ends.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::Io`].
    pub fn wait(path: &Path, cancel: &CancelToken) -> Result<Self> {
        loop {
            cancel.check()?;
            if let Some(lock) = Self::attempt(path)? {
                return Ok(lock);
            }
            std::thread::sleep(POLL);
        }
    }

    /// The lock if it is free; `None` while another process or thread holds it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn attempt(path: &Path) -> Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(space::io("open", path, 0))?;
        if !try_lock(&file).map_err(Error::io("lock", path))? {
            return Ok(None);
        }
        // Between opening and locking, its last holder may have removed the file: such a lock keeps nobody out.
        if is_at(&file, path) { Ok(Some(Self { path: path.to_path_buf(), _file: file })) } else { Ok(None) }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still locked: whoever waits finds that the file is gone and opens a new one.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Not `File::try_lock`, which knows no Android before Rust 1.98.
#[cfg(unix)]
fn try_lock(file: &File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(error) if error == Errno::WOULDBLOCK || error == Errno::INTR => Ok(false),
        // A file system without locks; each file is still checked by its hash before it is visible.
        Err(error) if error == Errno::NOTSUP || error == Errno::NOSYS || error == Errno::NOLCK => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(true),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Whether `path` still names this very file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// A file that is open cannot give its name away here.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn is_held_by_one_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let lock = Lock::attempt(&path).expect("a lock").expect("it is free");
        assert!(Lock::attempt(&path).expect("an answer").is_none());
        drop(lock);
        assert!(!path.exists());
        assert!(Lock::attempt(&path).expect("an answer").is_some());
    }

    #[test]
    fn waiting_ends_with_a_cancel() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let _held = Lock::attempt(&path).expect("a lock").expect("it is free");
        let cancel = CancelToken::new();
        cancel.cancel();
        assert!(matches!(Lock::wait(&path, &cancel), Err(Error::Cancelled)));
    }

    #[test]
    fn waiting_ends_by_itself_and_says_for_what() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let held = Lock::attempt(&path).expect("a lock").expect("it is free");
        match Lock::wait_for(&path, Duration::from_millis(120)) {
            Err(Error::Busy { path: named, .. }) => assert_eq!(named, path),
            other => panic!("{other:?}"),
        }
        let freed = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(80));
            drop(held);
        });
        Lock::wait_for(&path, Duration::from_secs(60)).expect("freed meanwhile");
        freed.join().expect("no panic");
    }

    /// Removing the file on release must not let two in.
    #[test]
    fn never_two_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let (inside, entered) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while entered.load(Ordering::SeqCst) < 2000 {
                        if let Some(lock) = Lock::attempt(&path).expect("an answer") {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            entered.fetch_add(1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                            drop(lock);
                        }
                    }
                });
            }
        });
    }
}
