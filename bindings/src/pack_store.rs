//! The packs on this device.

use std::path::Path;
use std::sync::Arc;

use cones_core::library::Source;
use cones_core::library::catalog::PublicKey;
use cones_core::library::packs::{self, Installed};
use cones_core::subjects::pack::Header;
use cones_core::{Bundle, Downloader, Sha256};

use crate::download::Relay;
use crate::{CancelToken, Catalog, ConesError, DownloadListener, Precision, Scope, cancel};

/// A folder of installed packs. Any number of engines, threads and processes may use one.
#[derive(Debug, uniffi::Object)]
pub struct PackStore {
    inner: cones_core::PackStore,
    downloader: Downloader,
}

/// What a pack says of itself.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct PackInfo {
    /// The name it is installed and called by.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// The words that stand for the subject in a prompt, as `<v1> dog`.
    pub trigger: String,
    /// What kind of thing it is, as `dog`.
    pub subject_class: String,
    /// Which rows it changes.
    pub scope: Scope,
    /// Who made it.
    pub author: String,
    /// Licence.
    pub licence: String,
    /// The base model's name.
    pub model: String,
    /// What wrote it.
    pub tool: String,
    /// When, in seconds since 1970 (UTC).
    pub created: u64,
    /// The fingerprint of the base model it is for.
    pub fingerprint: String,
    /// What it keeps per neuron.
    pub precision: Precision,
    /// How many neurons it holds.
    pub neurons: u64,
    /// A small PNG or WebP file to show.
    pub preview: Option<Vec<u8>>,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Length of the file.
    pub bytes: u64,
    /// The file, for reading only.
    pub path: String,
    /// The pinned key of the publisher whose catalogue it was installed from; none of a file that was installed by itself.
    pub publisher: Option<String>,
    /// Its publisher has withdrawn it, with these words, which may be none, or revoked the key that had vouched for it, which
    /// they say: it is no longer drawn with.
    pub withdrawn: Option<String>,
}

/// An installed pack that is not as it was when it was installed, or lost.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct DamagedPack {
    /// Which.
    pub pack: PackInfo,
    /// What is wrong with it.
    pub reason: String,
}

#[uniffi::export]
impl PackStore {
    /// Opens the store in a folder, which is made if need be.
    #[uniffi::constructor]
    pub fn open(path: String) -> Result<Arc<Self>, ConesError> {
        Ok(Arc::new(Self { inner: cones_core::PackStore::open(path)?, downloader: Downloader::new() }))
    }

    /// The folder.
    pub fn path(&self) -> String {
        self.inner.path().display().to_string()
    }

    /// What is installed, by name.
    pub fn list(&self) -> Result<Vec<PackInfo>, ConesError> {
        Ok(self.inner.list()?.into_iter().map(PackInfo::from).collect())
    }

    /// An installed pack by name; where several base models' packs share the name, that of `fingerprint`.
    #[uniffi::method(default(fingerprint = None))]
    pub fn get(&self, name: String, fingerprint: Option<String>) -> Result<PackInfo, ConesError> {
        Ok(self.inner.get(&name, fingerprint_of(fingerprint)?)?.into())
    }

    /// Installs a pack file. `bundle`, the folder of a base model, has the pack decoded for that model first; without it
    /// header and checksum are checked.
    #[uniffi::method(default(bundle = None))]
    pub fn install_file(&self, path: String, bundle: Option<String>) -> Result<PackInfo, ConesError> {
        let bundle = bundle.map(Bundle::open).transpose()?;
        Ok(self.inner.install_file(Path::new(&path), bundle.as_ref().map(Bundle::manifest))?.into())
    }

    /// Gets a catalogue, checks it against the publisher's pinned key, and refuses one that has expired or is older than
    /// this store has seen from that key. `url` is that of `catalog.json`. Where the pinned key has handed signing over to
    /// others (`keys.json` beside it, which this store remembers), theirs count, and revoked ones do not.
    #[uniffi::method(default(cancel = None))]
    pub fn fetch_catalog(
        &self,
        url: String,
        public_key: String,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Arc<Catalog>, ConesError> {
        let key = PublicKey::parse(&public_key)?;
        let inner = self.inner.catalog(&self.downloader, &url, &key, &cancel::token(cancel))?;
        Ok(Arc::new(Catalog { inner, url }))
    }

    /// Checks a catalogue that the app got by its own means, and refuses one older than this store has seen from its
    /// key: `json` is `catalog.json`, `signature` the text of `catalog.json.minisig`. What it lists may be relative to `url`.
    /// Where there is a `keys.json`, give that to `accept_keys` first.
    pub fn accept_catalog(
        &self,
        url: String,
        json: &[u8],
        signature: String,
        public_key: String,
    ) -> Result<Arc<Catalog>, ConesError> {
        let key = PublicKey::parse(&public_key)?;
        let inner = self.inner.accept_catalog(&url, json, &signature, &key, cones_core::clock::now())?;
        Ok(Arc::new(Catalog { inner, url }))
    }

    /// Checks a statement of keys that the app got by its own means, and remembers it: which keys count in place of the pinned
    /// one, and which were revoked. `json` is `keys.json`, `signature` the text of `keys.json.minisig`. `fetch_catalog` does so
    /// by itself.
    pub fn accept_keys(
        &self,
        url: String,
        json: &[u8],
        signature: String,
        public_key: String,
    ) -> Result<(), ConesError> {
        let key = PublicKey::parse(&public_key)?;
        self.inner.accept_keys(&url, json, &signature, &key, cones_core::clock::now())?;
        Ok(())
    }

    /// Downloads the newest version of a pack of a catalogue and installs it; what an earlier attempt left is resumed,
    /// what is installed already is not downloaded again. `bundle` as in `install_file`; with it, the pack for that base
    /// model is taken.
    #[uniffi::method(default(bundle = None, listener = None, cancel = None))]
    pub fn install(
        &self,
        catalog: Arc<Catalog>,
        name: String,
        bundle: Option<String>,
        listener: Option<Arc<dyn DownloadListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<PackInfo, ConesError> {
        let bundle = bundle.map(Bundle::open).transpose()?;
        let source = Source { downloader: &self.downloader, catalog: &catalog.inner, url: &catalog.url };
        let own = cancel::token(cancel).child();
        let mut relay = Relay::new(listener, own.clone());
        let result = self.inner.install(&source, &name, bundle.as_ref().map(Bundle::manifest), &mut relay, &own);
        relay.outcome(result).map(PackInfo::from)
    }

    /// Installs what the catalogue has in newer versions, of packs that were installed from catalogues of its publisher; gives
    /// those that were replaced, as they are now. What a publisher has withdrawn, `list` tells.
    #[uniffi::method(default(listener = None, cancel = None))]
    pub fn update(
        &self,
        catalog: Arc<Catalog>,
        listener: Option<Arc<dyn DownloadListener>>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Vec<PackInfo>, ConesError> {
        let source = Source { downloader: &self.downloader, catalog: &catalog.inner, url: &catalog.url };
        let own = cancel::token(cancel).child();
        let mut relay = Relay::new(listener, own.clone());
        let result = self.inner.update(&source, &mut relay, &own);
        Ok(relay.outcome(result)?.into_iter().map(PackInfo::from).collect())
    }

    /// Reads every pack again; gives those that are damaged.
    pub fn verify(&self) -> Result<Vec<DamagedPack>, ConesError> {
        let damaged = self.inner.verify()?.into_iter();
        Ok(damaged
            .map(|(pack, error)| DamagedPack { pack: pack.into(), reason: ConesError::from(error).to_string() })
            .collect())
    }

    /// Removes a pack by name; of all base models, if no fingerprint is given. Says whether there was one.
    #[uniffi::method(default(fingerprint = None))]
    pub fn remove(&self, name: String, fingerprint: Option<String>) -> Result<bool, ConesError> {
        Ok(self.inner.remove(&name, fingerprint_of(fingerprint)?)?)
    }
}

/// What a pack's file says of itself, installed or not. Header and checksums are checked.
#[uniffi::export]
pub fn read_pack(path: String) -> Result<PackInfo, ConesError> {
    Ok(packs::inspect(Path::new(&path))?.into())
}

impl PackStore {
    /// An installed pack as a subject of a request.
    pub(crate) fn subject(&self, name: &str, bundle: &Bundle) -> cones_core::Result<cones_core::Subject> {
        self.inner.subject(name, bundle.manifest())
    }
}

impl From<Installed> for PackInfo {
    fn from(installed: Installed) -> Self {
        let Header { metadata, fingerprint, precision, neurons, preview, .. } = installed.header;
        Self {
            name: metadata.name,
            version: metadata.version,
            trigger: metadata.trigger,
            subject_class: metadata.class,
            scope: metadata.scope.into(),
            author: metadata.author,
            licence: metadata.licence,
            model: metadata.model,
            tool: metadata.tool,
            created: metadata.created,
            fingerprint: fingerprint.to_string(),
            precision: precision.into(),
            neurons,
            preview,
            sha256: installed.sha256.to_string(),
            bytes: installed.bytes,
            path: installed.path.display().to_string(),
            publisher: installed.publisher,
            withdrawn: installed.withdrawn,
        }
    }
}

pub(crate) fn fingerprint_of(text: Option<String>) -> Result<Option<Sha256>, ConesError> {
    let wrong = |_| cones_core::Error::request("fingerprint", "is not one: a fingerprint has 64 hex digits");
    Ok(text.map(|text| text.parse().map_err(wrong)).transpose()?)
}
