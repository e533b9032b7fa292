//! The bundle's folder: written under a temporary name beside its place, then renamed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cones_core::memory::Profile;
use cones_core::model::manifest::{FileEntry, Manifest};
use cones_core::{CancelToken, Sha256};

use crate::error::{Error, Result};
use crate::profile;

const MANIFEST: &str = "bundle.json";

/// A bundle in the making. Dropped unfinished, it leaves nothing behind.
#[derive(Debug)]
pub struct Output {
    target: PathBuf,
    temporary: PathBuf,
}

impl Output {
    /// Makes an empty folder beside `target`.
    ///
    /// # Errors
    /// When `target` is there and `replace` is not set, or is something else than a bundle.
    pub fn begin(target: &Path, replace: bool) -> Result<Self> {
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
    pub fn folder(&self) -> &Path {
        &self.temporary
    }

    /// Writes one file, `name` of the bundle.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.temporary.join(name);
        fs::write(&path, bytes).map_err(Error::io("write", &path))
    }

    /// Counts what the graphs written so far take of memory, and writes it down for the plan that is made before they are
    /// loaded.
    ///
    /// # Errors
    /// When a graph is damaged, or ONNX Runtime refuses it at one of the sizes; when the file cannot be written.
    pub fn write_profile(&self, manifest: &Manifest) -> Result<()> {
        let profile = profile::estimate(&self.temporary, profile::Sizes::new(manifest))?;
        let path = self.temporary.join(Profile::FILE);
        let json = serde_json::to_string_pretty(&profile).map_err(|error| Error::io("write", &path)(error.into()))?;
        self.write(Profile::FILE, format!("{json}\n").as_bytes())
    }

    /// Sizes and hashes of all files so far, by name.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn files(&self) -> Result<BTreeMap<String, FileEntry>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&self.temporary).map_err(Error::io("list", &self.temporary))? {
            let entry = entry.map_err(Error::io("list", &self.temporary))?;
            let path = entry.path();
            let bytes = entry.metadata().map_err(Error::io("read", &path))?.len();
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, FileEntry { bytes, sha256: Sha256::of_file(&path, &CancelToken::new())? });
        }
        Ok(files)
    }

    /// Writes the manifest and puts the folder in its place.
    ///
    /// # Errors
    /// When the folder cannot be put there; a bundle that was to be replaced stands again then.
    pub fn finish(self, manifest: &Manifest) -> Result<()> {
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
