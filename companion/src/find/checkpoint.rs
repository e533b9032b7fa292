//! What an interrupted run needs to go on: a safetensors file that appears whole.

use std::collections::HashMap;
use std::path::PathBuf;

use cones_core::Error;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::finder::Progress;
use super::method::Method;
use super::weights::Weights;
use crate::cli::Failure;

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

    /// Restores a method. Where there is no checkpoint, or one of another run, the method stays as it was.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn load(&self, method: &mut dyn Method) -> Result<Progress, Failure> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Progress::default()),
            Err(error) => return Err(Error::io("read", &self.path)(error).into()),
        };
        let damaged = || format!("`{}` is damaged\nhint: remove it to start over", self.path.display());
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|_| damaged())?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.get("key") != Some(&self.key) {
            return Ok(Progress::default());
        }
        let progress = metadata.get("progress").and_then(|text| serde_json::from_str(text).ok()).ok_or_else(damaged)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|_| damaged())?;
        for (name, weights) in method.state_mut() {
            let tensor = tensors.tensor(name).map_err(|_| damaged())?;
            if tensor.dtype() != Dtype::F32 || tensor.data().len() != 4 * weights.count() {
                return Err(damaged().into());
            }
            for (value, bytes) in weights.values_mut().zip(tensor.data().as_chunks::<4>().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        Ok(progress)
    }

    /// Saves a method under a temporary name, then renames.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, method: &dyn Method, progress: &Progress) -> Result<(), Failure> {
        let state: Vec<(&str, Vec<u8>)> = method.state().into_iter().map(|(name, w)| (name, bytes(w))).collect();
        let mut tensors = Vec::new();
        for (name, bytes) in &state {
            tensors.push((*name, TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes)?));
        }
        let progress = serde_json::to_string(progress)?;
        let metadata = HashMap::from([("key".to_owned(), self.key.clone()), ("progress".to_owned(), progress)]);
        let file = safetensors::serialize(tensors, Some(metadata))?;
        Ok(cones_core::atomic::write(&self.path, &file)?)
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
