//! The base models on this device.

use std::path::Path;
use std::sync::Arc;

use cones_core::Downloader;
use cones_core::catalog::PublicKey;

use crate::download::Relay;
use crate::{CancelToken, Catalog, ConesError, DownloadListener, cancel};

/// A folder of installed base models.
#[derive(Debug, uniffi::Object)]
pub struct BundleStore {
    inner: cones_core::BundleStore,
    downloader: Downloader,
}

/// An installed base model.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct InstalledBundle {
    /// Its name.
    pub name: String,
    /// Its folder, as `Engine.open` takes it.
    pub path: String,
}

#[uniffi::export]
impl BundleStore {
    /// Opens the store in a folder, which is made if need be.
    #[uniffi::constructor]
    pub fn open(path: String) -> Result<Arc<Self>, ConesError> {
        Ok(Arc::new(Self { inner: cones_core::BundleStore::open(path)?, downloader: Downloader::new() }))
    }

    /// The folder.
    pub fn path(&self) -> String {
        text(self.inner.path())
    }

    /// What is installed, by name.
    pub fn list(&self) -> Result<Vec<InstalledBundle>, ConesError> {
        let installed = self.inner.list()?.into_iter();
        Ok(installed.map(|(name, path)| InstalledBundle { name, path: text(&path) }).collect())
    }

    /// Downloads a base model of a catalogue, file by file, resuming what came before; gives its folder.
    #[uniffi::method(default(listener = None, cancel = None))]
    pub fn install(
        &self,
        catalog: Arc<Catalog>,
        name: String,
        listener: Option<Arc<dyn DownloadListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<String, ConesError> {
        let own = cancel::token(cancel).child();
        let mut relay = Relay::new(listener, own.clone());
        let result = self.inner.install(&self.downloader, &catalog.inner, &catalog.url, &name, &mut relay, &own);
        relay.outcome(result).map(|path| text(&path))
    }

    /// Downloads a base model by the URL of its folder; its `bundle.json` must be signed (`bundle.json.minisig`) with
    /// the pinned key. Gives its folder.
    #[uniffi::method(default(listener = None, cancel = None))]
    pub fn install_url(
        &self,
        url: String,
        public_key: String,
        listener: Option<Arc<dyn DownloadListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<String, ConesError> {
        let key = PublicKey::parse(&public_key)?;
        let own = cancel::token(cancel).child();
        let mut relay = Relay::new(listener, own.clone());
        let result = self.inner.install_url(&self.downloader, &url, &key, &mut relay, &own);
        relay.outcome(result).map(|path| text(&path))
    }

    /// Removes a base model by name; says whether there was one.
    pub fn remove(&self, name: String) -> Result<bool, ConesError> {
        Ok(self.inner.remove(&name)?)
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
