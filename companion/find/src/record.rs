//! How a pack was found: the figures, written beside the pack for `cones report` and for comparisons.

use std::path::{Path, PathBuf};

use cones_core::subjects::pack::TokenEmbeddings;
use half::f16;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::factors::Factored;
use crate::finder::Point;
use crate::held_out::Losses;
use crate::looks::Looks;

/// The figures of one finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The command that made the pack, with the names of files and folders alone: records are handed on with packs.
    pub command: Vec<String>,
    /// The way of finding, as `learned`.
    pub method: String,
    /// Which rows of K and V the mask changes, as `trigger`.
    pub scope: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Neurons in the pack.
    pub neurons: usize,
    /// Neurons in the pack, as a share (0 to 1) of all weights in question.
    pub share: f64,
    /// Held-out losses of the base model.
    pub base: Losses,
    /// What learning the trigger's embedding came to; none where it was not learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<LearnedTrigger>,
    /// Held-out losses with the pack.
    pub chosen: Losses,
    /// The masks that were tried, by number of neurons.
    pub curve: Vec<Point>,
    /// What training factors at the same neurons came to; none for a binary pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factors: Option<Factored>,
    /// Names of the pictures that were held back from learning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<String>,
    /// The subject's pictures as `cones evaluate` saw them; none where there was no measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// Training loss by step.
    pub history: Vec<f64>,
    /// How long it took.
    pub seconds: Seconds,
    /// The most memory that the process held, in bytes; none where the system does not tell.
    pub peak_memory: Option<u64>,
}

/// A trigger's learned embedding.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearnedTrigger {
    /// Tokens of the trigger, those of the class word, which are not learned, included.
    pub tokens: usize,
    /// Numbers for each.
    pub width: usize,
    /// How far it went from the table's embedding: the largest length of a row.
    pub distance: f64,
    /// Held-out losses with the embedding alone, no weight shut.
    pub alone: Losses,
}

/// Seconds by what they were spent on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Encoding pictures and prompts, drawing class pictures.
    pub preparing: f64,
    /// Steps, those before an interruption included.
    pub steps: f64,
    /// The whole command, since it was last started.
    pub total: f64,
}

impl LearnedTrigger {
    /// The figures of what a pack holds.
    pub fn new(embeddings: &TokenEmbeddings, alone: Losses) -> Self {
        let width = embeddings.width as usize;
        let rows = embeddings.values.chunks(width.max(1));
        let tokens = rows.len();
        let length = |row: &[f16]| row.iter().map(|value| f64::from(value.to_f32()).powi(2)).sum::<f64>().sqrt();
        Self { tokens, width, distance: rows.map(length).fold(0.0, f64::max), alone }
    }
}

impl Record {
    /// Where the record of a pack is: `rex.cones` has `rex.finding.json`.
    pub fn path(pack: &Path) -> PathBuf {
        pack.with_extension("finding.json")
    }

    /// Reads the record of a pack; none where there is none.
    ///
    /// # Errors
    /// When the file is there and is no record.
    pub fn read(pack: &Path) -> Result<Option<Self>> {
        let path = Self::path(pack);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(
                serde_json::from_slice(&bytes)
                    .map_err(|error| Error::file(&path, format!("is not the record of a finding: {error}")))?,
            )),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cones_core::Error::io("read", &path)(error).into()),
        }
    }

    /// Writes the record beside the pack.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, pack: &Path) -> Result<()> {
        let path = Self::path(pack);
        let json = serde_json::to_vec_pretty(self).map_err(Error::unwritable(&path))?;
        Ok(cones_core::disk::atomic::write_private(&path, &json)?)
    }
}

/// The most memory this process has held, in bytes: Linux's `VmHWM`.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}
