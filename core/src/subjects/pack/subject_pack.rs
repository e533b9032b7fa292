//! A pack in memory, whole or its header alone, and its way to bytes and back.

use std::sync::Arc;

use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::model::manifest::{Layer, Manifest};
use crate::subjects::mask::ConceptMask;
use crate::subjects::subject::Subject;

use super::embeddings::TokenEmbeddings;
use super::file::File;
use super::header::{Head, Kind, Part};
use super::metadata::Metadata;
use super::precision::Precision;
use super::{checksum, embeddings, factors, file, layers, metadata, preview};

/// A decoded subject pack.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Pack {
    /// What it says of itself.
    pub metadata: Metadata,
    /// The fingerprint of the base model it was made for.
    pub fingerprint: Sha256,
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
#[non_exhaustive]
pub struct Header {
    /// What it says of itself.
    pub metadata: Metadata,
    /// The fingerprint of the base model it was made for.
    pub fingerprint: Sha256,
    /// How the factors are kept.
    pub precision: Precision,
    /// How many neurons it holds.
    pub neurons: u64,
    /// A PNG or WebP, at most 64 KB.
    pub preview: Option<Vec<u8>>,
}

impl Pack {
    /// A pack of these neurons for the base model of this fingerprint, without preview or learned embeddings.
    pub fn new(metadata: Metadata, fingerprint: Sha256, mask: ConceptMask, precision: Precision) -> Self {
        Self { metadata, fingerprint, mask, precision, preview: None, embeddings: None }
    }

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
            *part = Part { bytes: length, sum: checksum::checksum(bytes) };
        }
        let (precision, metadata) = (self.precision, self.metadata.clone());
        let head =
            Head { precision, fingerprint: self.fingerprint, neurons: self.mask.count() as u64, parts, metadata };
        Ok([head.write(), sections.concat()].concat())
    }

    /// Decodes a pack for the base model of `manifest`. `name` is what messages call it, usually its file.
    ///
    /// # Errors
    /// [`Error::BadPack`] saying what is wrong at which byte; [`Error::WrongModel`] when it was made for another model.
    pub fn decode(name: &str, bytes: &[u8], manifest: &Manifest) -> Result<Self> {
        let file = File::open(name, bytes)?;
        let head = &file.head;
        let fingerprint = head.fingerprint;
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
            fingerprint: head.fingerprint,
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
