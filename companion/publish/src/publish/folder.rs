//! The published folder on disk.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use cones_core::PublicKey;
use cones_core::disk::atomic::{self, AtomicFile};
use cones_core::disk::lock::Lock;
use cones_core::library::catalog::{CATALOG, Catalog};

use crate::error::{Error, Result};

/// The new catalogue and signature until they are in place. A file server that hides dot-files never shows them.
const NEXT: &str = ".catalog.json.next";
const NEXT_SIGNATURE: &str = ".catalog.json.minisig.next";
/// Locked while something is published.
const LOCK: &str = ".publishing";
/// Folders below the published one: `bundles/NAME-HASH`.
const DEPTH: u32 = 2;

/// The folder, locked against a second publisher until dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: Lock,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(cones_core::Error::io("create", path))?;
        let lock = Lock::attempt(&path.join(LOCK))?
            .ok_or_else(|| format!("`{}` is being published to by another process; try again", path.display()))?;
        clear(path, DEPTH);
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// A file's path, given as it is in a URL relative to the catalogue.
    pub(super) fn path(&self, url: &str) -> PathBuf {
        url.split('/').filter(|part| !part.is_empty()).fold(self.path.clone(), |path, part| path.join(part))
    }

    /// The catalogue that is there, if it is signed with `key`; none if there is no catalogue yet.
    pub(super) fn catalog(&self, key: &PublicKey) -> Result<Option<Catalog>> {
        self.finish_interrupted(key)?;
        let path = self.path.join(CATALOG);
        let Some(json) = read(&path)? else { return Ok(None) };
        let signature = read(&self.signature())?.ok_or_else(|| {
            format!("`{}` has no signature; it is not overwritten: take another folder", path.display())
        })?;
        let catalog = verify(&path, &json, &signature, key).map_err(|error| -> Error {
            format!("{error}\nhint: only its own publisher's key adds to a catalogue; take that one, or another folder")
                .into()
        })?;
        Ok(Some(catalog))
    }

    /// Writes a file, with the folders it is in.
    pub(super) fn write(&self, url: &str, bytes: &[u8]) -> Result<()> {
        let path = self.with_folders(url)?;
        Ok(atomic::write(&path, bytes)?)
    }

    /// Copies a file, with the folders it is in.
    pub(super) fn copy(&self, from: &Path, url: &str) -> Result<()> {
        let path = self.with_folders(url)?;
        let mut source = File::open(from).map_err(cones_core::Error::io("open", from))?;
        let mut target = BufWriter::new(AtomicFile::create(&path)?);
        std::io::copy(&mut source, &mut target).map_err(cones_core::Error::io("copy", from))?;
        let target = target.into_inner().map_err(|error| cones_core::Error::io("write", &path)(error.into_error()))?;
        Ok(target.finish()?)
    }

    /// Two files cannot be replaced at once. Both are written beside their places first; a process that dies between the
    /// two renames is made up for by [`finish_interrupted`](Self::finish_interrupted).
    pub(super) fn replace_catalog(&self, json: &[u8], signature: &str) -> Result<()> {
        atomic::write(&self.path.join(NEXT), json)?;
        atomic::write(&self.path.join(NEXT_SIGNATURE), signature.as_bytes())?;
        self.rename(NEXT_SIGNATURE, self.signature())?;
        self.rename(NEXT, self.path.join(CATALOG))
    }

    fn finish_interrupted(&self, key: &PublicKey) -> Result<()> {
        let (next, next_signature) = (self.path.join(NEXT), self.path.join(NEXT_SIGNATURE));
        let fits = |json: &[u8], signature: Option<Vec<u8>>| {
            signature.is_some_and(|signature| verify(&next, json, &signature, key).is_ok())
        };
        if let Some(json) = read(&next)? {
            if fits(&json, read(&next_signature)?) {
                self.rename(NEXT_SIGNATURE, self.signature())?;
                return self.rename(NEXT, self.path.join(CATALOG));
            }
            if fits(&json, read(&self.signature())?) {
                return self.rename(NEXT, self.path.join(CATALOG));
            }
        }
        // Cut off before both were whole: the catalogue in place still is.
        for path in [next, next_signature] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(cones_core::Error::io("remove", &path)(error).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn signature(&self) -> PathBuf {
        self.path.join(format!("{CATALOG}.minisig"))
    }

    fn rename(&self, from: &str, to: PathBuf) -> Result<()> {
        std::fs::rename(self.path.join(from), &to).map_err(cones_core::Error::io("write", &to))?;
        Ok(())
    }

    fn with_folders(&self, url: &str) -> Result<PathBuf> {
        let path = self.path(url);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(cones_core::Error::io("create", folder))?;
        }
        Ok(path)
    }
}

/// Removes what killed publishers left half written. Nobody else writes here: the folder is locked.
fn clear(folder: &Path, depth: u32) {
    // What cannot be read or removed is in nobody's way.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth > 0 {
            clear(&entry.path(), depth - 1);
        } else if !is_folder && atomic::is_temporary(&entry.file_name()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn verify(path: &Path, json: &[u8], signature: &[u8], key: &PublicKey) -> cones_core::Result<Catalog> {
    Catalog::verify(&path.display().to_string(), json, &String::from_utf8_lossy(signature), key)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cones_core::Error::io("read", path)(error).into()),
    }
}
