//! Files that appear whole or not at all: written under a temporary name in the same folder, flushed, then renamed.
//!
//! Who may read them is what the process's `umask` says, as of any file; private ones are their owner's alone.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::disk::{files, space};
use crate::error::{Error, Result};

/// What temporary names begin and end with.
const BEFORE: &str = ".cones-";
const BEHIND: &str = ".part";
/// What is appended to the name of a file that whoever holds its lock writes anew.
pub(crate) const BEING_REPLACED: &str = ".new";

/// A file in the making. Dropped before [`finish`](Self::finish), it leaves nothing behind.
#[derive(Debug)]
pub struct AtomicFile {
    file: NamedTempFile,
    target: PathBuf,
}

impl AtomicFile {
    /// Begins a file that is to appear at `target`, whose folder must be there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(target: &Path) -> Result<Self> {
        Self::begin(target, false)
    }

    /// Begins one that its owner alone may read (mode 0600): for secret keys, and for what was made of somebody's pictures.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_private(target: &Path) -> Result<Self> {
        Self::begin(target, true)
    }

    fn begin(target: &Path, private: bool) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(BEFORE).suffix(BEHIND);
        if !private {
            let permissions = as_umask_says();
            permissions.map(|permissions| builder.permissions(permissions));
        }
        let file =
            builder.tempfile_in(files::folder_of(target)).map_err(space::io("create a file beside", target, 0))?;
        Ok(Self { file, target: target.to_path_buf() })
    }

    /// Flushes it and puts it in place of whatever is there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(self) -> Result<()> {
        let (path, target) = self.flush()?;
        path.persist(&target).map_err(|error| Error::io("write", &target)(error.error))?;
        files::sync_folder(files::folder_of(&target));
        Ok(())
    }

    /// Flushes it and puts it in its place, if nothing is there.
    ///
    /// # Errors
    /// [`Error::Io`], of kind [`io::ErrorKind::AlreadyExists`] when something is there.
    pub fn finish_new(self) -> Result<()> {
        let (path, target) = self.flush()?;
        path.persist_noclobber(&target).map_err(|error| Error::io("create", &target)(error.error))?;
        files::sync_folder(files::folder_of(&target));
        Ok(())
    }

    fn flush(self) -> Result<(TempPath, PathBuf)> {
        self.file.as_file().sync_all().map_err(space::io("write", &self.target, 0))?;
        Ok((self.file.into_temp_path(), self.target))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.as_file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.as_file().flush()
    }
}

impl AtomicFile {
    fn as_file(&self) -> &File {
        self.file.as_file()
    }
}

/// Writes a whole file.
///
/// # Errors
/// [`Error::Io`], [`Error::OutOfSpace`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_to(AtomicFile::create(path)?, path, bytes)
}

/// Writes a whole file that its owner alone may read.
///
/// # Errors
/// [`Error::Io`], [`Error::OutOfSpace`].
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    write_to(AtomicFile::create_private(path)?, path, bytes)
}

fn write_to(mut file: AtomicFile, path: &Path, bytes: &[u8]) -> Result<()> {
    file.write_all(bytes).map_err(space::io("write", path, bytes.len() as u64))?;
    file.finish()
}

/// Writes a whole file for somebody who holds a lock on it: its temporary name is always the same, so that processes that are
/// killed leave one such file at most, which the next one writes over.
///
/// # Errors
/// [`Error::Io`], [`Error::OutOfSpace`].
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let new = files::beside(path, "", BEING_REPLACED);
    let written = File::create(&new)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(space::io("write", &new, bytes.len() as u64))
        .and_then(|()| std::fs::rename(&new, path).map_err(Error::io("rename", &new)));
    match written {
        Ok(()) => files::sync_folder(files::folder_of(path)),
        Err(_) => drop(std::fs::remove_file(&new)),
    }
    written
}

/// Whether a file has the name of one in the making, which a killed process may leave behind.
pub fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(BEFORE) && name.ends_with(BEHIND))
}

/// What a new file is created with, for the system to take the process's `umask` from. Where there is no such thing, nothing.
fn as_umask_says() -> Option<std::fs::Permissions> {
    #[cfg(unix)]
    return Some(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_dropped_unfinished_changes_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        write(&path, b"old").expect("written");
        let mut file = AtomicFile::create(&path).expect("begun");
        file.write_all(b"new").expect("written");
        assert!(is_temporary(file.file.path().file_name().expect("a name")) && !is_temporary("a".as_ref()));
        drop(file);
        assert_eq!(std::fs::read(&path).expect("read"), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing temporary is left");
    }

    #[test]
    fn a_new_file_replaces_nothing_and_a_private_one_is_the_owners() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        AtomicFile::create_private(&path).expect("begun").finish_new().expect("written");
        let again = AtomicFile::create(&path).expect("begun").finish_new().expect_err("it is there");
        assert!(matches!(&again, Error::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists), "{again}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            write(&path, b"x").expect("written");
            let any = folder.path().join("any");
            File::create(&any).expect("created");
            assert_eq!(mode(&path), mode(&any), "as any other file");
            write_private(&any, b"x").expect("written");
            assert_eq!(mode(&any), 0o600, "whatever was there");
        }
    }
}
