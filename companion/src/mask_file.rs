//! Masks as Python writes them: a safetensors file with one int32 tensor of neuron indices for each layer.
//!
//! The compact, signed subject pack is another format; this one is for making and looking at masks by hand. Its
//! metadata may hold `name`, `trigger`, `scope` (`prompt` or `trigger`), `class` and `fingerprint`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cones_core::{Bundle, ConceptMask, Error, Scope, Subject};
use safetensors::{Dtype, SafeTensors};

use crate::cli::Failure;

/// Larger files are not masks: this many int32 indices would shut every weight of Stable Diffusion XL twice.
const MAX_BYTES: u64 = 1 << 30;

/// A mask file in memory.
#[derive(Debug)]
pub struct MaskFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl MaskFile {
    /// Reads the file; [`subject`](Self::subject) checks it.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let size = std::fs::metadata(path).map_err(Error::io("open", path))?.len();
        if size > MAX_BYTES {
            return Err(format!("mask `{}` has {size} bytes; the limit is {MAX_BYTES}", path.display()).into());
        }
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        Ok(Self { path: path.to_path_buf(), bytes })
    }

    /// The subject it describes, for a bundle.
    pub fn subject(&self, bundle: &Bundle) -> Result<Subject, Failure> {
        let shown = self.path.display();
        let metadata = self.metadata()?;
        let get = |key: &str| metadata.get(key).cloned().unwrap_or_default();
        let stem = self.path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let name = metadata.get("name").cloned().unwrap_or(stem);
        let wanted = get("fingerprint");
        if !wanted.is_empty() && wanted != bundle.manifest().fingerprint {
            let found = &bundle.manifest().fingerprint;
            let reason = format!("it wants the base model with fingerprint {wanted}, this one has {found}");
            return Err(Error::WrongModel { subject: name, reason }.into());
        }
        let tensors = SafeTensors::deserialize(&self.bytes)
            .map_err(|error| format!("mask `{shown}` is not a safetensors file: {error}"))?;
        let layers = &bundle.manifest().layers;
        if let Some(foreign) = tensors.names().iter().find(|n| !layers.iter().any(|l| l.name == **n)) {
            let reason = format!("layer `{foreign}` is not one of `{}`", bundle.manifest().name);
            return Err(Error::WrongModel { subject: name, reason }.into());
        }
        let mut indices = Vec::new();
        for layer in layers {
            indices.push(match tensors.tensor(&layer.name) {
                Ok(tensor) if tensor.dtype() == Dtype::I32 && tensor.shape().len() == 1 => tensor
                    .data()
                    .chunks_exact(4)
                    .map(|b| usize::try_from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|_| format!("mask `{shown}`: layer `{}` holds a negative index", layer.name))?,
                Ok(_) => return Err(format!("mask `{shown}`: layer `{}` is no list of int32", layer.name).into()),
                // A layer without neurons may be left out.
                Err(_) => Vec::new(),
            });
        }
        let mut subject = Subject::new(name, ConceptMask::from_indices(layers, &indices)?);
        subject.trigger = get("trigger");
        if !get("scope").is_empty() {
            subject.scope = get("scope").parse::<Scope>()?;
        }
        Ok(subject)
    }

    fn metadata(&self) -> Result<HashMap<String, String>, Failure> {
        let (_, header) = SafeTensors::read_metadata(&self.bytes)
            .map_err(|error| format!("mask `{}` is not a safetensors file: {error}", self.path.display()))?;
        Ok(header.metadata().clone().unwrap_or_default())
    }
}
