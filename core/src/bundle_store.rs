//! The base models that are installed on this device.

use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, PublicKey};
use crate::download::{Downloader, Watch};
use crate::{CancelToken, Error, Result};

/// A folder of installed bundles.
#[derive(Debug)]
pub struct BundleStore {
    path: PathBuf,
}

impl BundleStore {
    /// Opens the store in a folder, which is made if need be.
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

    /// The folders of the installed bundles, by name.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn list(&self) -> Result<Vec<(String, PathBuf)>> {
        Ok(Vec::new())
    }

    /// Downloads a bundle of a catalogue, file by file, resuming what came before; gives its folder.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::BadBundle`] and as [`Downloader::file`].
    pub fn install(
        &self,
        downloader: &Downloader,
        catalog: &Catalog,
        catalog_url: &str,
        name: &str,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<PathBuf> {
        let _ = (downloader, catalog, catalog_url, watch, cancel);
        Err(Error::NotFound { name: name.into(), place: "is in the catalogue".into(), hint: String::new() })
    }

    /// Downloads a bundle by the URL of its folder; its `bundle.json` must be signed (`bundle.json.minisig`).
    ///
    /// # Errors
    /// As [`install`](Self::install), and [`Error::Untrusted`].
    pub fn install_url(
        &self,
        downloader: &Downloader,
        url: &str,
        key: &PublicKey,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<PathBuf> {
        let _ = (downloader, key, watch, cancel);
        Err(Error::network(url, "cannot be downloaded yet"))
    }

    /// Removes a bundle by name; says whether there was one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove(&self, name: &str) -> Result<bool> {
        let _ = name;
        Ok(false)
    }
}
