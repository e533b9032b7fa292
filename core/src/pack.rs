//! Subject packs: a concept mask with its metadata in one `.cones` file.

mod bits;
mod bytes;
mod checksum;
mod decode;
mod embeddings;
mod encode;
mod factors;
mod file;
mod golomb;
mod header;
mod layers;
mod metadata;
mod precision;
mod preview;
mod split;

use std::sync::Arc;

use half::f16;
use serde::{Deserialize, Serialize};

use crate::fingerprint::hex;
use crate::manifest::{Layer, Manifest};
use crate::{ConceptMask, Error, Result, Scope, Subject};
use file::File;
use header::{Head, Kind, Part};

pub(crate) use metadata::check_text;
pub use precision::to_precision;

/// What a pack keeps per neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Nothing: the weight is shut.
    Binary,
    /// One of four factors, 2 bits.
    Quaternary,
    /// A factor as float16.
    Float16,
    /// A factor as float32.
    Float32,
}

/// What a pack says of itself. The limits are checked when it is written and when it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The name it is installed and called by: 1 to 64 of `a-z 0-9 - _ .`, starting with a letter or digit.
    pub name: String,
    /// The pack's own version, from 1; a publisher counts up.
    pub version: u32,
    /// The words that stand for the subject in a prompt, as `<v1> dog`; 1 to 128 bytes.
    pub trigger: String,
    /// What kind of thing it is, as `dog`; up to 64 bytes.
    pub class: String,
    /// Which rows of K and V it changes.
    pub scope: Scope,
    /// Who made it; up to 128 bytes.
    pub author: String,
    /// SPDX expression or a sentence; up to 128 bytes.
    pub licence: String,
    /// The base model's name, for messages; up to 64 bytes.
    pub model: String,
    /// What wrote it, as `cones 0.1.0`; up to 64 bytes.
    pub tool: String,
    /// When, in seconds since 1970 (UTC).
    pub created: u64,
}

/// What is learned of the trigger's tokens (Textual Inversion, Gal et al. 2022), `tokens × width`, row-major: for each
/// token of the trigger what is added to the text encoder's own embedding of it at full strength. The difference, not
/// the embedding itself, so that a strength between 0 and 1 lies between the two, and 0 is exact. Rows of tokens of
/// which nothing was learned, as those of the class word, are zero.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenEmbeddings {
    /// Width of the text encoder's token embedding.
    pub width: u32,
    /// `tokens * width` values; as many tokens as the base model's tokenizer makes of the trigger.
    pub values: Vec<f16>,
}

/// A decoded subject pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// What it says of itself.
    pub metadata: Metadata,
    /// The fingerprint of the base model it was made for, 64 hex digits.
    pub fingerprint: String,
    /// Its neurons, with factors where the precision is not binary.
    pub mask: ConceptMask,
    /// How the factors are kept.
    pub precision: Precision,
    /// A PNG or WebP, at most 64 KB.
    pub preview: Option<Vec<u8>>,
    /// What is learned of the trigger's tokens, if anything.
    pub embeddings: Option<TokenEmbeddings>,
}

/// The part of a pack that can be read without its base model.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// What it says of itself.
    pub metadata: Metadata,
    /// The fingerprint of the base model it was made for.
    pub fingerprint: String,
    /// How the factors are kept.
    pub precision: Precision,
    /// How many neurons it holds.
    pub neurons: u64,
    /// A PNG or WebP, at most 64 KB.
    pub preview: Option<Vec<u8>>,
}

impl Pack {
    /// Encodes the pack. One pack has exactly one encoding.
    ///
    /// # Errors
    /// [`Error::BadPack`] when metadata, preview, factors or embeddings break a limit or do not fit the precision.
    pub fn encode(&self) -> Result<Vec<u8>> {
        self.try_encode().map_err(|reason| Error::BadPack {
            pack: self.metadata.name.clone(),
            reason,
            at: None,
            hint: "change what is named, then write the pack again".into(),
        })
    }

    fn try_encode(&self) -> Result<Vec<u8>, String> {
        metadata::check_numbers(self.metadata.version, self.metadata.created)?;
        for text in metadata::texts(&self.metadata) {
            metadata::check_text(text.field, text.value)?;
        }
        let fingerprint = header::unhex(&self.fingerprint)
            .ok_or_else(|| format!("`{}` is no fingerprint of 64 hex digits", self.fingerprint))?;
        if let Some(preview) = &self.preview {
            preview::check(preview).map_err(|reason| format!("its preview {reason}"))?;
        }
        let embeddings = self.embeddings.as_ref().map(embeddings::write).transpose();
        let sections = [
            self.preview.clone().unwrap_or_default(),
            layers::write(&self.mask).map_err(|reason| format!("its layers {reason}"))?,
            factors::write(&self.mask, self.precision)?,
            embeddings.map_err(|reason| format!("its embeddings {reason}"))?.unwrap_or_default(),
        ];
        let mut parts = [Part::default(); 4];
        for (part, bytes) in parts.iter_mut().zip(&sections) {
            let length = u32::try_from(bytes.len()).map_err(|_| "it would be larger than a pack can be".to_owned())?;
            *part = Part { bytes: length, sum: checksum::of(bytes) };
        }
        let (precision, metadata) = (self.precision, self.metadata.clone());
        let head = Head { precision, fingerprint, neurons: self.mask.count() as u64, parts, metadata };
        Ok([head.write(), sections.concat()].concat())
    }

    /// Decodes a pack for the base model of `manifest`. `name` is what messages call it, usually its file.
    ///
    /// # Errors
    /// [`Error::BadPack`] saying what is wrong at which byte; [`Error::WrongModel`] when it was made for another model.
    pub fn decode(name: &str, bytes: &[u8], manifest: &Manifest) -> Result<Self> {
        let file = File::open(name, bytes)?;
        let head = &file.head;
        let fingerprint = hex(&head.fingerprint);
        if fingerprint != manifest.fingerprint {
            return Err(Error::WrongModel {
                subject: head.metadata.name.clone(),
                reason: format!(
                    "it wants `{}` (fingerprint {fingerprint}), this is `{}` (fingerprint {})",
                    head.metadata.model, manifest.name, manifest.fingerprint
                ),
            });
        }
        file.check_parts()?;
        let preview = file.preview()?;
        let mask = layers::read(file.part(Kind::Layers), &manifest.layers, head.neurons)?;
        let mask = factors::read(file.part(Kind::Factors), mask, head.precision)?;
        let embeddings = match head.parts[Kind::Embeddings as usize].bytes {
            0 => None,
            _ => Some(embeddings::read(file.part(Kind::Embeddings))?),
        };
        Ok(Self {
            metadata: file.head.metadata,
            fingerprint,
            mask,
            precision: file.head.precision,
            preview,
            embeddings,
        })
    }

    /// The subject at full strength, as a request takes it.
    pub fn subject(&self) -> Subject {
        let mut subject = Subject::new(self.metadata.name.clone(), self.mask.clone());
        subject.trigger.clone_from(&self.metadata.trigger);
        subject.scope = self.metadata.scope;
        subject.embeddings = self.embeddings.clone().map(Arc::new);
        subject
    }
}

impl Header {
    /// Reads the header and checks the file's checksums, without a base model. The neurons themselves are not looked
    /// at; that takes [`Pack::decode`].
    ///
    /// # Errors
    /// [`Error::BadPack`] saying what is wrong at which byte.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let file = File::open(name, bytes)?;
        file.check_parts()?;
        let preview = file.preview()?;
        let head = file.head;
        Ok(Self {
            metadata: head.metadata,
            fingerprint: hex(&head.fingerprint),
            precision: head.precision,
            neurons: head.neurons,
            preview,
        })
    }

    /// The preview alone, from a file's first bytes: the longest header and preview are within 66 KB. The rest of the
    /// file is not looked at.
    ///
    /// # Errors
    /// [`Error::BadPack`] saying what is wrong at which byte.
    pub(crate) fn preview(name: &str, start: &[u8]) -> Result<Option<Vec<u8>>> {
        file::preview_at_start(name, start)
    }
}

/// The largest file that can be a pack for these layers: more is refused unread.
pub fn max_bytes(layers: &[Layer]) -> u64 {
    // Every weight a neuron with a float32 factor and an index, with preview, embeddings and metadata.
    layers.iter().map(|l| 8 * u64::from(l.rows) * u64::from(l.columns)).sum::<u64>() + (1 << 20)
}
