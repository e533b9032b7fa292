//! The bundle's folder: written under a temporary name beside its place, then renamed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use cones_core::fingerprint::hex;
use cones_core::manifest::{FileEntry, Manifest};
use sha2::{Digest, Sha256};

use super::{Error, Result};

const MANIFEST: &str = "bundle.json";

/// A bundle in the making. Dropped unfinished, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Output {
    target: PathBuf,
    temporary: PathBuf,
}

impl Output {
    /// Makes an empty folder beside `target`.
    ///
    /// # Errors
    /// When `target` is there and `replace` is not set, or is something else than a bundle.
    pub(crate) fn begin(target: &Path, replace: bool) -> Result<Self> {
        check_target(target, replace)?;
        let name =
            target.file_name().ok_or_else(|| Error::output(target, "is no name for a folder", "give another --out"))?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        let temporary = parent.join(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        fs::create_dir(&temporary).map_err(Error::io("create", &temporary))?;
        Ok(Self { target: target.to_path_buf(), temporary })
    }

    /// Where to write files.
    pub(crate) fn folder(&self) -> &Path {
        &self.temporary
    }

    /// Writes one file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.temporary.join(name);
        fs::write(&path, bytes).map_err(Error::io("write", &path))
    }

    /// Sizes and hashes of all files so far.
    pub(crate) fn files(&self) -> Result<BTreeMap<String, FileEntry>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&self.temporary).map_err(Error::io("list", &self.temporary))? {
            let entry = entry.map_err(Error::io("list", &self.temporary))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, file_entry(&entry.path())?);
        }
        Ok(files)
    }

    /// Writes the manifest and puts the folder in its place.
    pub(crate) fn finish(self, manifest: &Manifest) -> Result<()> {
        let path = self.temporary.join(MANIFEST);
        let json = serde_json::to_string_pretty(manifest).map_err(|error| Error::io("write", &path)(error.into()))?;
        self.write(MANIFEST, format!("{json}\n").as_bytes())?;
        let aside = self.temporary.with_extension("old");
        let replaces = self.target.exists();
        if replaces {
            fs::rename(&self.target, &aside).map_err(Error::io("move aside", &self.target))?;
        }
        if let Err(error) = fs::rename(&self.temporary, &self.target) {
            if replaces {
                // The old bundle goes back; if even that fails, the first error says more.
                let _ = fs::rename(&aside, &self.target);
            }
            return Err(Error::io("create", &self.target)(error));
        }
        if replaces {
            fs::remove_dir_all(&aside).map_err(Error::io("remove", &aside))?;
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // After `finish` it is gone already.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

fn check_target(target: &Path, replace: bool) -> Result<()> {
    if !target.exists() {
        return Ok(());
    }
    if !replace {
        return Err(Error::output(target, "is there already", "give another --out, or --force to replace it"));
    }
    let is_empty = fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    if is_empty || target.join(MANIFEST).is_file() {
        return Ok(());
    }
    Err(Error::output(target, "is no bundle, so it is not replaced", "give another --out, or remove it yourself"))
}

fn file_entry(path: &Path) -> Result<FileEntry> {
    let mut file = fs::File::open(path).map_err(Error::io("open", path))?;
    let (mut hash, mut bytes) = (Sha256::new(), 0u64);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).map_err(Error::io("read", path))?;
        if count == 0 {
            return Ok(FileEntry { bytes, sha256: hex(&hash.finalize()) });
        }
        hash.update(&buffer[..count]);
        bytes += count as u64;
    }
}
