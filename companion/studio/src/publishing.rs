//! Keys, the published folder, and who sees it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cones_core::disk::atomic;
use cones_core::library::catalog::{CATALOG, Catalog};
use cones_core::{Bundle, PublicKey, clock};
use cones_publish::{PackSource, Publication, SigningKey, keys, landing, publish};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::events::{Events, Topic};
use crate::sharing::{Sharing, own_address};

/// For how many days devices take a catalogue.
const DAYS: u64 = 365;
/// Bytes of a key's file.
const MOST_KEY: usize = 4096;

/// What is published.
#[derive(Debug)]
pub(crate) struct Publishing {
    folder: PathBuf,
    events: Events,
    /// Held while something is changed.
    one: Mutex<()>,
    sharing: Mutex<Option<Sharing>>,
}

/// As a page is told of it.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    key: Option<KeyView>,
    /// The folder that a static host takes.
    folder: String,
    publisher: Option<String>,
    listed: Vec<Listed>,
    sharing: Option<SharingView>,
    /// This machine's address in the local network.
    address: Option<IpAddr>,
}

#[derive(Debug, Serialize)]
struct KeyView {
    /// What apps pin.
    public: String,
    /// Whether a password opens it.
    encrypted: bool,
}

#[derive(Debug, Serialize)]
struct Listed {
    kind: &'static str,
    name: String,
    version: Option<u32>,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct SharingView {
    /// The page that any phone opens.
    url: String,
    /// What an app opens, with the publisher's key in it.
    app: Option<String>,
    address: IpAddr,
}

/// What is asked to be published.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) subjects: Vec<crate::id::Id>,
    /// The base model, too: for phones that do not have it.
    #[serde(default)]
    pub(crate) model: bool,
    #[serde(default)]
    pub(crate) publisher: Option<String>,
    #[serde(default)]
    pub(crate) password: Option<String>,
}

impl Publishing {
    pub(crate) fn open(folder: PathBuf, events: Events) -> Self {
        Self { folder, events, one: Mutex::new(()), sharing: Mutex::new(None) }
    }

    fn key_file(&self) -> PathBuf {
        self.folder.join("publisher.key")
    }

    fn public(&self) -> PathBuf {
        self.folder.join("public")
    }

    fn public_key(&self) -> Option<PublicKey> {
        keys::public(&keys::public_path(&self.key_file()).display().to_string()).ok()
    }

    fn key(&self) -> Option<KeyView> {
        let public = self.public_key()?.base64().to_owned();
        Some(KeyView { public, encrypted: keys::is_encrypted(&self.key_file()) })
    }

    fn catalog(&self) -> Option<Catalog> {
        serde_json::from_slice(&std::fs::read(self.public().join(CATALOG)).ok()?).ok()
    }

    /// All that there is to know.
    pub(crate) fn view(&self) -> View {
        let catalog = self.catalog();
        let mut listed = Vec::new();
        for pack in catalog.iter().flat_map(|catalog| &catalog.packs) {
            listed.push(Listed {
                kind: "pack",
                name: pack.name.clone(),
                version: Some(pack.version),
                bytes: pack.bytes,
            });
        }
        for bundle in catalog.iter().flat_map(|catalog| &catalog.bundles) {
            listed.push(Listed { kind: "model", name: bundle.name.clone(), version: None, bytes: bundle.bytes });
        }
        let shown =
            |sharing: &Sharing| SharingView { url: sharing.url(), app: self.app(sharing), address: sharing.ip() };
        View {
            key: self.key(),
            folder: self.public().display().to_string(),
            publisher: catalog.map(|catalog| catalog.publisher),
            listed,
            sharing: self.shared().as_ref().map(shown),
            address: own_address(),
        }
    }

    /// Makes a key; without a password whoever reads its file can sign.
    pub(crate) fn make_key(&self, password: Option<String>) -> Result<View> {
        let one = self.lock();
        keys::generate(&self.key_file(), password.filter(|password| !password.is_empty()))?;
        drop(one);
        self.events.changed(Topic::Publishing);
        Ok(self.view())
    }

    /// Takes a key that somebody has: the text of its file.
    pub(crate) fn take_key(&self, text: &str, password: Option<String>) -> Result<View> {
        if text.len() > MOST_KEY {
            return Err(Error::request(
                "that is no key's file",
                "choose the file that `cones keygen` or minisign made",
            ));
        }
        let one = self.lock();
        let path = self.key_file();
        keys::check_free(&path)?;
        let trial = path.with_extension("trial");
        atomic::write_private(&trial, text.as_bytes())?;
        let public = open(&trial, password).and_then(|key| Ok(key.public()?));
        match public {
            Ok(public) => {
                let file = public_file(&public);
                atomic::write(&keys::public_path(&path), file.as_bytes())?;
                std::fs::rename(&trial, &path).map_err(Error::io("write", &path))?;
            }
            Err(error) => {
                let _ = std::fs::remove_file(&trial);
                return Err(error);
            }
        }
        drop(one);
        self.events.changed(Topic::Publishing);
        Ok(self.view())
    }

    /// Signs a catalogue of packs, each given with its file's bytes, and of the base model where one is given.
    pub(crate) fn publish(&self, packs: Vec<PackSource>, model: Option<Bundle>, wanted: &Wanted) -> Result<View> {
        let one = self.lock();
        if self.key().is_none() {
            return Err(Error::request("there is no key to sign with yet", "make one, or choose one that you have"));
        }
        let key = open(&self.key_file(), wanted.password.clone())?;
        let publication = Publication {
            packs,
            bundles: model.into_iter().collect(),
            publisher: wanted.publisher.clone().filter(|publisher| !publisher.trim().is_empty()),
            days: DAYS,
            now: clock::now(),
            ..Publication::default()
        };
        let catalog = publish(&self.public(), &publication, &key)?;
        landing::write(&self.public(), &catalog, &key.public()?)?;
        drop(one);
        self.events.changed(Topic::Publishing);
        Ok(self.view())
    }

    /// Lets the local network see what is published.
    pub(crate) fn share(&self, address: Option<IpAddr>) -> Result<View> {
        if self.catalog().is_none() {
            return Err(Error::request("nothing is published yet", "publish a subject first"));
        }
        let ip = address.or_else(own_address).ok_or_else(|| {
            Error::request("this machine is in no local network", "join one, as the Wi-Fi that the phone is in")
        })?;
        // The one before gives its port back first.
        self.shared().take();
        *self.shared() = Some(Sharing::start(&self.public(), ip)?);
        self.events.changed(Topic::Publishing);
        Ok(self.view())
    }

    /// Ends that.
    pub(crate) fn unshare(&self) -> View {
        self.shared().take();
        self.events.changed(Topic::Publishing);
        self.view()
    }

    /// The link that a phone opens, while there is one; that of the app, or of the page.
    pub(crate) fn link(&self, of_app: bool) -> Result<String> {
        let link = self.shared().as_ref().and_then(|it| if of_app { self.app(it) } else { Some(it.url()) });
        link.ok_or_else(|| Error::request("nothing is shared now", "press Share first"))
    }

    fn app(&self, sharing: &Sharing) -> Option<String> {
        Some(landing::link(&sharing.catalog(), &self.public_key()?))
    }

    fn shared(&self) -> MutexGuard<'_, Option<Sharing>> {
        self.sharing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.one.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &std::path::Path, password: Option<String>) -> Result<SigningKey> {
    let password = password.filter(|password| !password.is_empty());
    SigningKey::open(path, || {
        password.ok_or_else(|| Error::request("this key is encrypted", "give the password that it was made with"))
    })
}

/// A public key as minisign's own file has it.
fn public_file(public: &PublicKey) -> String {
    format!("untrusted comment: minisign public key of a publisher of Cones packs\n{}\n", public.base64())
}
