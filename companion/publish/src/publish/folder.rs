//! The published folder on disk.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use cones_core::PublicKey;
use cones_core::disk::atomic::{self, AtomicFile};
use cones_core::disk::lock::Lock;
use cones_core::library::catalog::{CATALOG, Catalog};
use cones_core::library::trust::{KeyStatement, STATEMENT, TrustedKeys};

use crate::error::{Error, Result};

/// Locked while something is published.
const LOCK: &str = ".publishing";
/// Folders below the published one: `bundles/NAME-HASH`.
const DEPTH: u32 = 2;

/// The folder, locked against a second publisher until dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: Lock,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self> {
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

    /// The catalogue that is there, if it is signed with one of the keys; none if there is no catalogue yet. `hint` is what an error
    /// advises.
    pub(super) fn catalog(&self, keys: &TrustedKeys, hint: &str) -> Result<Option<Catalog>> {
        let path = self.path.join(CATALOG);
        self.finish_interrupted(CATALOG, |json, signature| verify(&path, json, signature, keys).is_ok())?;
        let Some((json, signature)) = self.signed(CATALOG)? else { return Ok(None) };
        let catalog = verify(&path, &json, &signature, keys)
            .map_err(|error| -> Error { format!("{error}\nhint: {hint}").into() })?;
        Ok(Some(catalog))
    }

    /// Which of the keys signed the catalogue that is there; none where it was none of them, or there is no catalogue.
    pub(crate) fn signer(&self, keys: &TrustedKeys) -> Result<Option<PublicKey>> {
        let fits =
            |json: &[u8], signature: &[u8]| keys.verify(CATALOG, json, &String::from_utf8_lossy(signature)).is_ok();
        self.finish_interrupted(CATALOG, fits)?;
        let Some((json, signature)) = self.signed(CATALOG)? else { return Ok(None) };
        Ok(keys.verify(CATALOG, &json, &String::from_utf8_lossy(&signature)).ok().cloned())
    }

    /// Whether one of the keys signed the catalogue that is there, with a serial from which on it counts; none where there is none.
    pub(crate) fn counts(&self, keys: &TrustedKeys) -> Result<Option<bool>> {
        let path = self.path.join(CATALOG);
        let there = self.signed(CATALOG)?;
        Ok(there.map(|(json, signature)| verify(&path, &json, &signature, keys).is_ok()))
    }

    /// The statement of keys that is there, if the root key that it names signed it; none if there is none yet.
    pub(crate) fn statement(&self) -> Result<Option<KeyStatement>> {
        let path = self.path.join(STATEMENT);
        self.finish_interrupted(STATEMENT, |json, signature| read_statement(&path, json, signature).is_ok())?;
        let Some((json, signature)) = self.signed(STATEMENT)? else { return Ok(None) };
        Ok(Some(read_statement(&path, &json, &signature)?))
    }

    /// A file and its signature as they are there.
    fn signed(&self, name: &str) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let path = self.path.join(name);
        let Some(json) = read(&path)? else { return Ok(None) };
        let signature = read(&self.signature(name))?.ok_or_else(|| {
            format!("`{}` has no signature; it is not overwritten: take another folder", path.display())
        })?;
        Ok(Some((json, signature)))
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

    /// Replaces a file and its signature. Both cannot be at once: they are written beside their places first, under names that a file
    /// server which hides dot-files never shows, and a process that dies between the two renames is made up for by
    /// [`finish_interrupted`](Self::finish_interrupted).
    pub(crate) fn replace(&self, name: &str, json: &[u8], signature: &str) -> Result<()> {
        let (next, next_signature) = next(name);
        let both = [(&next, json), (&next_signature, signature.as_bytes())];
        if let Err(error) = both.iter().try_for_each(|(name, bytes)| atomic::write(&self.path.join(name), bytes)) {
            // One without the other is of no use; where it cannot be removed, the next to publish does so.
            both.iter().for_each(|(name, _)| drop(std::fs::remove_file(self.path.join(name))));
            return Err(error.into());
        }
        self.rename(&next_signature, self.signature(name))?;
        self.rename(&next, self.path.join(name))
    }

    fn finish_interrupted(&self, name: &str, fits: impl Fn(&[u8], &[u8]) -> bool) -> Result<()> {
        let (next, next_signature) = next(name);
        if let Some(json) = read(&self.path.join(&next))? {
            if read(&self.path.join(&next_signature))?.is_some_and(|signature| fits(&json, &signature)) {
                self.rename(&next_signature, self.signature(name))?;
                return self.rename(&next, self.path.join(name));
            }
            if read(&self.signature(name))?.is_some_and(|signature| fits(&json, &signature)) {
                return self.rename(&next, self.path.join(name));
            }
        }
        // Cut off before both were whole: what is in place still is.
        for path in [next, next_signature].map(|name| self.path.join(name)) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(cones_core::Error::io("remove", &path)(error).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn signature(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.minisig"))
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

/// Where a new file and its signature are until both are written.
fn next(name: &str) -> (String, String) {
    (format!(".{name}.next"), format!(".{name}.minisig.next"))
}

fn verify(path: &Path, json: &[u8], signature: &[u8], keys: &TrustedKeys) -> cones_core::Result<Catalog> {
    Catalog::verify_by(&path.display().to_string(), json, &String::from_utf8_lossy(signature), keys)
}

/// A statement by the root key that it names itself: whoever publishes knows the folder for their own.
fn read_statement(path: &Path, json: &[u8], signature: &[u8]) -> Result<KeyStatement> {
    let named: KeyStatement = serde_json::from_slice(json)
        .map_err(|error| format!("`{}` is no statement of keys: {error}", path.display()))?;
    let root = PublicKey::parse(&named.root)?;
    Ok(KeyStatement::verify(&path.display().to_string(), json, &String::from_utf8_lossy(signature), &root)?)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cones_core::Error::io("read", path)(error).into()),
    }
}
