//! What a publisher offers.

use cones_core::library::catalog;
use cones_core::model::form;

use crate::Precision;

/// A publisher's catalogue that was checked. `PackStore.fetch_catalog` gets one.
#[derive(Debug, uniffi::Object)]
pub struct Catalog {
    pub(crate) inner: catalog::Catalog,
    pub(crate) url: String,
}

/// What a catalogue says of itself.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CatalogInfo {
    /// Who publishes it.
    pub publisher: String,
    /// Where it came from.
    pub url: String,
    /// Counts up with each publication.
    pub serial: u64,
    /// When it was signed, in seconds since 1970 (UTC).
    pub created: u64,
    /// After this time it is refused, in seconds since 1970 (UTC).
    pub expires: u64,
}

/// A pack on offer.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct CatalogPack {
    /// The name it is installed by.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Length of the download.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Fingerprint of the base model it is for.
    pub fingerprint: String,
    /// Name of the base model it is for.
    pub model: String,
    /// The words that stand for the subject in a prompt.
    pub trigger: String,
    /// What kind of thing it is, as `dog`.
    pub subject_class: String,
    /// Licence.
    pub licence: String,
    /// What it keeps per neuron.
    pub precision: Precision,
    /// How many neurons it holds.
    pub neurons: u64,
}

/// A base model on offer.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CatalogBundle {
    /// The name it is installed by.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Length of the download.
    pub bytes: u64,
    /// Licence.
    pub licence: String,
    /// How many bits it has: `exact`, `int8`, `int8-static` or `int4`. Packs serve every form of a base model.
    pub form: String,
    /// A device takes this form only when it is asked for.
    pub on_request: bool,
}

#[uniffi::export]
impl Catalog {
    /// What it says of itself.
    pub fn info(&self) -> CatalogInfo {
        CatalogInfo {
            publisher: self.inner.publisher.clone(),
            url: self.url.clone(),
            serial: self.inner.serial,
            created: self.inner.created,
            expires: self.inner.expires,
        }
    }

    /// The packs on offer.
    pub fn packs(&self) -> Vec<CatalogPack> {
        self.inner.packs.iter().map(CatalogPack::from).collect()
    }

    /// The base models on offer.
    pub fn bundles(&self) -> Vec<CatalogBundle> {
        self.inner.bundles.iter().map(CatalogBundle::from).collect()
    }
}

impl From<&catalog::PackEntry> for CatalogPack {
    fn from(entry: &catalog::PackEntry) -> Self {
        Self {
            name: entry.name.clone(),
            version: entry.version,
            bytes: entry.bytes,
            sha256: entry.sha256.to_string(),
            fingerprint: entry.fingerprint.to_string(),
            model: entry.model.clone(),
            trigger: entry.trigger.clone(),
            subject_class: entry.class.clone(),
            licence: entry.licence.clone(),
            precision: entry.precision.into(),
            neurons: entry.neurons,
        }
    }
}

impl From<&catalog::BundleEntry> for CatalogBundle {
    fn from(entry: &catalog::BundleEntry) -> Self {
        Self {
            name: entry.name.clone(),
            fingerprint: entry.fingerprint.to_string(),
            bytes: entry.bytes,
            licence: entry.licence.clone(),
            form: form::name(entry.form.as_ref()).to_owned(),
            on_request: entry.form.as_ref().is_some_and(|form| form.on_request),
        }
    }
}
