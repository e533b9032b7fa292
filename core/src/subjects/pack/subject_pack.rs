//! A pack in memory, whole or its header alone, and its way to bytes and back.

use std::sync::Arc;

use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::model::manifest::{Layer, Manifest};
use crate::subjects::low_rank::LowRank;
use crate::subjects::mask::ConceptMask;
use crate::subjects::scope::Scope;
use crate::subjects::subject::Subject;

use super::embeddings::TokenEmbeddings;
use super::file::File;
use super::header::{Head, Kind, Part};
use super::metadata::Metadata;
use super::precision::Precision;
use super::{checksum, embeddings, factors, file, layers, low_rank, metadata, preview, version};

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
    /// What is added to whole matrices; there if, and only if, the precision is [`Precision::LowRank`], and then the mask has
    /// no neurons.
    pub low_rank: Option<LowRank>,
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
        Self { metadata, fingerprint, mask, precision, preview: None, embeddings: None, low_rank: None }
    }

    /// A pack of a LoRA for the base model of this manifest, on all words: [`Scope::Prompt`] whatever the metadata says.
    pub fn of_low_rank(mut metadata: Metadata, manifest: &Manifest, low_rank: LowRank) -> Self {
        metadata.scope = Scope::Prompt;
        let mask = ConceptMask::empty(&manifest.layers);
        let mut pack = Self::new(metadata, manifest.fingerprint, mask, Precision::LowRank);
        pack.low_rank = Some(low_rank);
        pack
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
        metadata::check_trigger(&self.metadata.trigger, self.precision)?;
        self.check_kind()?;
        if let Some(preview) = &self.preview {
            preview::check(preview).map_err(|reason| format!("its preview {reason}"))?;
        }
        let embeddings = self.embeddings.as_ref().map(embeddings::write).transpose();
        let sections = [
            self.preview.clone().unwrap_or_default(),
            layers::write(&self.mask).map_err(|reason| format!("its layers {reason}"))?,
            match &self.low_rank {
                Some(low_rank) => low_rank::write(low_rank)?,
                None => factors::write(&self.mask, self.precision)?,
            },
            embeddings.map_err(|reason| format!("its embeddings {reason}"))?.unwrap_or_default(),
        ];
        let mut parts = [Part::default(); 4];
        for (part, bytes) in parts.iter_mut().zip(&sections) {
            let length = u32::try_from(bytes.len()).map_err(|_| "it would be larger than a pack can be".to_owned())?;
            *part = Part { bytes: length, sum: checksum::checksum(bytes) };
        }
        let (precision, metadata) = (self.precision, self.metadata.clone());
        let in_place = self.embeddings.as_ref().is_some_and(|embeddings| embeddings.in_place);
        let format = if in_place { version::VERSION } else { version::OLDEST };
        let (fingerprint, neurons) = (self.fingerprint, self.mask.count() as u64);
        let head = Head { version: format, precision, fingerprint, neurons, parts, metadata };
        Ok([head.write(), sections.concat()].concat())
    }

    /// Neurons or low-rank matrices, never both.
    fn check_kind(&self) -> Result<(), String> {
        if self.low_rank.is_some() != (self.precision == Precision::LowRank) {
            let has = if self.low_rank.is_some() { "low-rank matrices" } else { "none" };
            return Err(format!("precision is {} and the pack has {has}", self.precision));
        }
        if self.low_rank.is_some() && (self.mask.count() > 0 || !self.mask.is_binary()) {
            return Err("it has low-rank matrices, and neurons beside them".into());
        }
        if self.low_rank.is_some() && self.metadata.scope == Scope::Trigger {
            return Err("its scope is `trigger`, but low-rank matrices change all words".into());
        }
        Ok(())
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
        let low_rank = match head.precision {
            Precision::LowRank => Some(low_rank::read(file.part(Kind::Factors), &manifest.layers)?),
            _ => None,
        };
        let embeddings = match head.parts[Kind::Embeddings as usize].bytes {
            0 if head.version > version::OLDEST => {
                return Err(file
                    .part(Kind::Embeddings)
                    .bad("are not there, which version 1 of the format says as well"));
            }
            0 => None,
            _ => Some(embeddings::read(file.part(Kind::Embeddings), head.version)?),
        };
        Ok(Self {
            metadata: file.head.metadata,
            fingerprint,
            mask,
            precision: file.head.precision,
            preview,
            embeddings,
            low_rank,
        })
    }

    /// The subject at full strength, as a request takes it.
    pub fn subject(&self) -> Subject {
        let mut subject = Subject::new(self.metadata.name.clone(), self.mask.clone());
        subject.trigger.clone_from(&self.metadata.trigger);
        subject.scope = self.metadata.scope;
        subject.embeddings = self.embeddings.clone().map(Arc::new);
        subject.low_rank = self.low_rank.clone().map(Arc::new);
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
