//! What a catalogue lists, as it stands in `catalog.json`.

use serde::{Deserialize, Serialize};

use super::limits::SCHEMA;
use super::signed_by::SignedBy;
use super::withdrawal::Withdrawal;
use crate::disk::hash::Sha256;
use crate::model::form::Form;
use crate::model::manifest::FileEntry;
use crate::subjects::pack::precision::Precision;

/// The whole of `catalog.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Catalog {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Who publishes it, for people; 1 to 128 bytes.
    pub publisher: String,
    /// Counts up with each publication; a lower one than was seen before is refused. At most a thousand for each second from 1970 to
    /// `created`.
    pub serial: u64,
    /// When it was signed, in seconds since 1970 (UTC).
    pub created: u64,
    /// After this time it is refused, in seconds since 1970 (UTC). Of a catalogue that was read it is at most
    /// [`MAX_CATALOG_SECONDS`](super::MAX_CATALOG_SECONDS) after `created`, whatever its file says.
    pub expires: u64,
    /// Its packs, at most 10,000.
    pub packs: Vec<PackEntry>,
    /// Its base models, at most 1,000.
    #[serde(default)]
    pub bundles: Vec<BundleEntry>,
    /// Packs that were listed once and that it stands for no longer, at most 10,000. Readers from before there were such pass over it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<Withdrawal>,
    /// Whose signature it had when it was read.
    #[serde(skip)]
    pub(crate) signed_by: SignedBy,
}

/// One pack of a catalogue. Texts have the limits of the pack's own [`Metadata`](crate::subjects::pack::Metadata).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PackEntry {
    /// The pack's name.
    pub name: String,
    /// The pack's version.
    pub version: u32,
    /// Length in bytes, at most [`MAX_PACK_BYTES`](super::MAX_PACK_BYTES).
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Where it is, absolute or relative to the catalogue; see [`location`](Self::location).
    pub url: String,
    /// Fingerprint of the base model it is for.
    pub fingerprint: Sha256,
    /// Name of the base model it is for.
    pub model: String,
    /// The words that stand for the subject.
    pub trigger: String,
    /// What kind of thing it is.
    pub class: String,
    /// Licence.
    pub licence: String,
    /// How factors are kept.
    pub precision: Precision,
    /// How many neurons it holds.
    pub neurons: u64,
    /// Whose signature the catalogue had that it was read from.
    #[serde(skip)]
    pub(crate) signed_by: SignedBy,
}

/// One base model of a catalogue: a folder with `bundle.json`, whose own list names and hashes the other files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BundleEntry {
    /// The bundle's name, written as a pack's.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: Sha256,
    /// Size and hash of its `bundle.json`.
    pub manifest: FileEntry,
    /// All its files together, in bytes; at most 64 GiB.
    pub bytes: u64,
    /// The folder it is in, absolute or relative to the catalogue; see [`location`](Self::location).
    pub url: String,
    /// Licence.
    pub licence: String,
    /// How many bits its weights and activations have; none for the exact bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

impl Catalog {
    /// A catalogue that lists nothing yet. Times are in seconds since 1970 (UTC).
    pub fn new(publisher: impl Into<String>, serial: u64, created: u64, expires: u64) -> Self {
        Self {
            schema: SCHEMA,
            publisher: publisher.into(),
            serial,
            created,
            expires,
            packs: Vec::new(),
            bundles: Vec::new(),
            withdrawn: Vec::new(),
            signed_by: SignedBy::default(),
        }
    }
}

impl BundleEntry {
    /// An entry for the exact bundle of this name and fingerprint, found in the folder `url`, all of whose files have `bytes`.
    pub fn new(
        name: impl Into<String>,
        fingerprint: Sha256,
        manifest: FileEntry,
        bytes: u64,
        url: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            fingerprint,
            manifest,
            bytes,
            url: url.into(),
            licence: "unspecified".into(),
            form: None,
        }
    }
}
