//! What an interrupted run needs to go on: a safetensors file that appears whole.

use std::collections::HashMap;
use std::path::PathBuf;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::weights::Weights;

/// Name of the tensor with the loss of each step.
const HISTORY: &str = "history";
/// Key of the seconds spent.
const SECONDS: &str = "seconds";

/// Where a run keeps its state, and which run it is.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    path: PathBuf,
    /// What decides the run: another key, another run.
    key: String,
}

impl Checkpoint {
    /// A checkpoint of the run that `key` describes.
    pub fn new(path: impl Into<PathBuf>, key: impl Into<String>) -> Self {
        Self { path: path.into(), key: key.into() }
    }

    /// Restores what was learned, by name. Where there is no checkpoint, or one of another run, all stays as it was.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn load(&self, state: Vec<(&'static str, &mut Weights)>) -> Result<Progress> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Progress::default()),
            Err(error) => return Err(cones_core::Error::io("read", &self.path)(error).into()),
        };
        let damaged = || Error::file(&self.path, "is damaged\nhint: remove it to start over");
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|_| damaged())?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.get("key") != Some(&self.key) {
            return Ok(Progress::default());
        }
        let tensors = SafeTensors::deserialize(&bytes).map_err(|_| damaged())?;
        // Bit for bit, which numbers in text are not.
        let history = tensors.tensor(HISTORY).map_err(|_| damaged())?;
        let history: Vec<f64> = history.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
        let seconds = metadata.get(SECONDS).and_then(|text| text.parse().ok()).ok_or_else(damaged)?;
        for (name, weights) in state {
            let tensor = tensors.tensor(name).map_err(|_| damaged())?;
            if tensor.dtype() != Dtype::F32 || tensor.data().len() != 4 * weights.count() {
                return Err(damaged());
            }
            for (value, bytes) in weights.values_mut().zip(tensor.data().as_chunks::<4>().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        Ok(Progress { history, seconds })
    }

    /// Saves what was learned under a temporary name, then renames.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, state: Vec<(&'static str, &Weights)>, progress: &Progress) -> Result<()> {
        let state: Vec<(&str, Vec<u8>)> = state.into_iter().map(|(name, w)| (name, bytes(w))).collect();
        let mut tensors = Vec::new();
        for (name, bytes) in &state {
            tensors.push((
                *name,
                TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).map_err(Error::unwritable(&self.path))?,
            ));
        }
        let history: Vec<u8> = progress.history.iter().flat_map(|loss| loss.to_le_bytes()).collect();
        tensors.push((
            HISTORY,
            TensorView::new(Dtype::F64, vec![progress.history.len()], &history)
                .map_err(Error::unwritable(&self.path))?,
        ));
        let metadata =
            HashMap::from([("key".to_owned(), self.key.clone()), (SECONDS.to_owned(), progress.seconds.to_string())]);
        let file = safetensors::serialize(tensors, Some(metadata)).map_err(Error::unwritable(&self.path))?;
        Ok(cones_core::disk::atomic::write_private(&self.path, &file)?)
    }

    /// Removes the file after a finished run.
    pub fn remove(&self) {
        // What cannot be removed does no harm: its key tells a later run whether it is its own.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn bytes(weights: &Weights) -> Vec<u8> {
    weights.values().flat_map(f32::to_le_bytes).collect()
}
