//! The base models on this device.

use std::path::Path;
use std::sync::Arc;

use cones_core::Downloader;
use cones_core::library::Source;
use cones_core::library::bundles::{Expectation, Handover, Voucher};
use cones_core::library::catalog::PublicKey;

use crate::download::Relay;
use crate::pack_store::fingerprint_of;
use crate::{CancelToken, Catalog, ConesError, DownloadListener, cancel};

/// A folder of installed base models. Any number of threads and processes may use one.
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

    /// The folder of an installed base model, as `Engine.open` takes it.
    pub fn get(&self, name: String) -> Result<String, ConesError> {
        Ok(text(&self.inner.get(&name)?))
    }

    /// Downloads a base model of a catalogue, file by file, resuming what came before; gives its folder. Where several
    /// forms of it are listed, takes `form` (`exact`, `int8`, …), or the best that the device has the memory for.
    #[uniffi::method(default(listener = None, cancel = None, form = None))]
    pub fn install(
        &self,
        catalog: Arc<Catalog>,
        name: String,
        listener: Option<Arc<dyn DownloadListener>>,
        cancel: Option<Arc<CancelToken>>,
        form: Option<String>,
    ) -> Result<String, ConesError> {
        let own = cancel::token(cancel).child();
        let mut relay = Relay::new(listener, own.clone());
        let source = Source { downloader: &self.downloader, catalog: &catalog.inner, url: &catalog.url };
        let result = match form {
            Some(form) => self.inner.install_form(&source, &name, &form, &mut relay, &own),
            None => self.inner.install(&source, &name, &mut relay, &own),
        };
        relay.outcome(result).map(|path| text(&path))
    }

    /// Downloads a base model by the URL of its folder; its `bundle.json` must be signed (`bundle.json.minisig`) with
    /// the pinned key, or with one that it has handed signing over to. Gives its folder. Whoever serves the address may serve
    /// any base model that its publisher ever signed: one of another `name` or `fingerprint` is refused where they are given.
    #[uniffi::method(default(listener = None, cancel = None, name = None, fingerprint = None))]
    pub fn install_url(
        &self,
        url: String,
        public_key: String,
        listener: Option<Arc<dyn DownloadListener>>,
        cancel: Option<Arc<CancelToken>>,
        name: Option<String>,
        fingerprint: Option<String>,
    ) -> Result<String, ConesError> {
        let key = PublicKey::parse(&public_key)?;
        let expected = Expectation { name: name.as_deref(), fingerprint: fingerprint_of(fingerprint)? };
        let own = cancel::token(cancel).child();
        let mut relay = Relay::new(listener, own.clone());
        let result = self.inner.install_url(&self.downloader, &url, &key, &expected, &mut relay, &own);
        relay.outcome(result).map(|path| text(&path))
    }

    /// Installs a base model from a folder that the app got by its own means, such as an asset pack; gives its new
    /// folder. Every file is hashed. With a `public_key`, `bundle.json.minisig` must lie beside `bundle.json` and be by
    /// that key; without one, nobody vouches for the folder but whoever made it. `move_files` moves the files, which
    /// costs no space on the same file system; otherwise they are copied.
    #[uniffi::method(default(public_key = None, move_files = false, listener = None, cancel = None))]
    pub fn install_folder(
        &self,
        path: String,
        public_key: Option<String>,
        move_files: bool,
        listener: Option<Arc<dyn DownloadListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<String, ConesError> {
        let key = public_key.map(|key| PublicKey::parse(&key)).transpose()?;
        let voucher = key.as_ref().map_or(Voucher::Nobody, Voucher::Key);
        let handover = if move_files { Handover::Move } else { Handover::Copy };
        let own = cancel::token(cancel).child();
        let mut relay = Relay::new(listener, own.clone());
        let result = self.inner.install_folder(Path::new(&path), voucher, handover, &mut relay, &own);
        relay.outcome(result).map(|path| text(&path))
    }

    /// Gives up what came of interrupted installs; gives the bytes that this frees.
    pub fn clear_interrupted(&self) -> Result<u64, ConesError> {
        Ok(self.inner.clear_interrupted()?)
    }

    /// Removes a base model by name; says whether there was one.
    pub fn remove(&self, name: String) -> Result<bool, ConesError> {
        Ok(self.inner.remove(&name)?)
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
