//! Subject packs: a concept mask with its metadata in one `.cones` file.

use half::f16;
use serde::{Deserialize, Serialize};

use crate::manifest::{Layer, Manifest};
use crate::{ConceptMask, Error, Result, Scope, Subject};

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

/// Learned embeddings of the trigger's tokens, `tokens × width`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenEmbeddings {
    /// Width of the text encoder's token embedding.
    pub width: u32,
    /// `tokens * width` values.
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
    /// Learned embeddings of the trigger's tokens.
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
    /// [`Error::BadPack`] when metadata, preview or factors break a limit.
    pub fn encode(&self) -> Result<Vec<u8>> {
        Err(Error::pack(&self.metadata.name, None, "cannot be encoded yet"))
    }

    /// Decodes a pack for the base model of `manifest`. `name` is what messages call it, usually its file.
    ///
    /// # Errors
    /// [`Error::BadPack`] saying what is wrong at which byte; [`Error::WrongModel`] when it was made for another model.
    pub fn decode(name: &str, bytes: &[u8], manifest: &Manifest) -> Result<Self> {
        let _ = (bytes, manifest);
        Err(Error::pack(name, None, "cannot be decoded yet"))
    }

    /// The subject at full strength, as a request takes it.
    pub fn subject(&self) -> Subject {
        let mut subject = Subject::new(self.metadata.name.clone(), self.mask.clone());
        subject.trigger.clone_from(&self.metadata.trigger);
        subject.scope = self.metadata.scope;
        subject
    }
}

impl Header {
    /// Reads the header and checks the file's checksum, without a base model.
    ///
    /// # Errors
    /// [`Error::BadPack`] saying what is wrong at which byte.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let _ = bytes;
        Err(Error::pack(name, None, "cannot be read yet"))
    }
}

/// The largest file that can be a pack for these layers: more is refused unread.
pub fn max_bytes(layers: &[Layer]) -> u64 {
    // Every weight a neuron with a float32 factor and an index, with preview, embeddings and metadata.
    layers.iter().map(|l| 8 * u64::from(l.rows) * u64::from(l.columns)).sum::<u64>() + (1 << 20)
}
