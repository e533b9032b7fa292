//! What is known of packs: their headers, their layers, what they share.

use std::path::PathBuf;

use cones_core::subjects::pack::{Header, Metadata, Precision};
use cones_core::{Pack, Sha256};
use serde::Serialize;

use super::layers::{LayerCount, LayerOverlap};
use crate::pack_file::PackFile;

/// What is known of the packs; printed as JSON as it is.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// The packs, in the order they were named.
    pub packs: Vec<Inspected>,
    /// What each two packs of one base model share.
    pub overlaps: Vec<PairOverlap>,
}

/// One pack.
#[derive(Debug, Serialize)]
pub struct Inspected {
    /// The pack's file.
    pub file: PathBuf,
    /// The file's length.
    pub bytes: u64,
    /// The file's hash.
    pub sha256: Sha256,
    /// What it says of itself.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The base model it is for.
    pub fingerprint: Sha256,
    /// How factors are kept.
    pub precision: Precision,
    /// How many neurons it holds.
    pub neurons: u64,
    /// Length of its preview picture.
    pub preview_bytes: Option<usize>,
    /// The learned embeddings, where the pack has any; none, too, where the base model is not at hand.
    pub embeddings: Option<Learned>,
    /// The low-rank matrices, where the pack is a LoRA; none, too, where the base model is not at hand.
    pub low_rank: Option<Matrices>,
    /// The layers of its mask; none where the base model is not at hand.
    pub layers: Option<Vec<LayerCount>>,
}

/// Learned embeddings of a trigger's tokens.
#[derive(Debug, Serialize)]
pub struct Learned {
    /// Tokens of the trigger, or in its place.
    pub tokens: usize,
    /// Numbers for each.
    pub width: u32,
    /// Whether they stand in the trigger's place, however many tokens it has itself.
    pub in_place: bool,
}

/// The low-rank matrices of a LoRA.
#[derive(Debug, Serialize)]
pub struct Matrices {
    /// Layers that are changed.
    pub layers: usize,
    /// The least rank among them.
    pub least_rank: usize,
    /// The largest.
    pub largest_rank: usize,
    /// Bytes of the matrices.
    pub bytes: usize,
}

impl Matrices {
    /// The figures of a decoded pack; none where it is no LoRA.
    pub fn new(pack: &Pack) -> Option<Self> {
        let low_rank = pack.low_rank.as_ref()?;
        let (least_rank, largest_rank) = low_rank.ranks();
        Some(Self { layers: low_rank.changed(), least_rank, largest_rank, bytes: low_rank.bytes() })
    }
}

impl Learned {
    /// The figures of a decoded pack; none where it has no learned embeddings.
    pub fn new(pack: &Pack) -> Option<Self> {
        let embeddings = pack.embeddings.as_ref()?;
        let tokens = embeddings.values.len().checked_div(embeddings.width as usize)?;
        Some(Self { tokens, width: embeddings.width, in_place: embeddings.in_place })
    }
}

/// What two packs share.
#[derive(Debug, Serialize)]
pub struct PairOverlap {
    /// The one.
    pub first: String,
    /// The other.
    pub second: String,
    /// By layer.
    pub layers: Vec<LayerOverlap>,
}

impl Inspected {
    /// A pack of which only the header is known yet.
    pub fn new(file: &PackFile, header: Header) -> Self {
        Self {
            file: file.path.clone(),
            bytes: file.bytes.len() as u64,
            sha256: file.sha256,
            metadata: header.metadata,
            fingerprint: header.fingerprint,
            precision: header.precision,
            neurons: header.neurons,
            preview_bytes: header.preview.map(|p| p.len()),
            embeddings: None,
            low_rank: None,
            layers: None,
        }
    }
}
