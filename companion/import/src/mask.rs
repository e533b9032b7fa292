//! Masks as Python writes and reads them: a safetensors file with one int32 tensor of neuron indices for each layer.
//!
//! Where neurons are scaled rather than shut, a float32 tensor `<layer>.factors` beside it holds one factor for each
//! index, in the same order. A layer without neurons may be left out. The metadata may hold `name`, `trigger`, `class`,
//! `scope` (`prompt` or `trigger`), `author`, `licence`, `version`, `precision` and `fingerprint`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cones_core::model::manifest::Layer;
use cones_core::{Bundle, ConceptMask, Scope, Subject};
use safetensors::{Dtype, SafeTensors};

use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::wrong_kind;

/// Behind a layer's name, the name of its factors.
pub const FACTORS: &str = ".factors";
/// Larger files are not masks: this many int32 indices would shut every weight of Stable Diffusion XL twice.
const MAX_BYTES: u64 = 1 << 30;

/// A mask file in memory.
#[derive(Debug)]
pub struct MaskFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl MaskFile {
    /// Reads the file; what it holds is checked when it is asked for.
    pub fn open(path: &Path) -> Result<Self> {
        let size = std::fs::metadata(path).map_err(Error::io("open", path))?.len();
        wrong_kind::check(path, Kind::Mask, "a mask as Python writes it")?;
        if size > MAX_BYTES {
            return Err(Error::mask(path, format!("has {size} bytes; the limit is {MAX_BYTES}")));
        }
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        Ok(Self { path: path.to_path_buf(), bytes })
    }

    /// What the file says of itself, as it is written there; empty where it says nothing.
    pub fn metadata(&self) -> Result<HashMap<String, String>> {
        let (_, header) = SafeTensors::read_metadata(&self.bytes)
            .map_err(|error| self.bad(format!("is not a safetensors file: {error}")))?;
        Ok(header.metadata().clone().unwrap_or_default())
    }

    /// The mask's name in the metadata, else the file's.
    pub fn name(&self) -> Result<String> {
        let stem = || self.path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(self.metadata()?.remove("name").unwrap_or_else(stem))
    }

    /// The subject it describes, for a bundle.
    pub fn subject(&self, bundle: &Bundle) -> Result<Subject> {
        let mut subject = Subject::new(self.name()?, self.mask(bundle)?);
        let mut metadata = self.metadata()?;
        subject.trigger = metadata.remove("trigger").unwrap_or_default();
        if let Some(scope) = metadata.remove("scope").filter(|s| !s.is_empty()) {
            subject.scope = scope.parse::<Scope>()?;
        }
        Ok(subject)
    }

    /// The mask's neurons, for a bundle; with factors where it holds any.
    pub fn mask(&self, bundle: &Bundle) -> Result<ConceptMask> {
        let manifest = bundle.manifest();
        let foreign = |reason: String| cones_core::Error::wrong_model(self.path.display().to_string(), reason);
        let wanted = self.metadata()?.remove("fingerprint").unwrap_or_default();
        if !wanted.is_empty() && wanted.parse() != Ok(manifest.fingerprint) {
            let found = &manifest.fingerprint;
            return Err(
                foreign(format!("it wants the base model with fingerprint {wanted}, this one has {found}")).into()
            );
        }
        let tensors = SafeTensors::deserialize(&self.bytes)
            .map_err(|error| self.bad(format!("is not a safetensors file: {error}")))?;
        let is_layer =
            |name: &str| manifest.layers.iter().any(|l| l.name == name.strip_suffix(FACTORS).unwrap_or(name));
        if let Some(name) = tensors.names().into_iter().find(|name| !is_layer(name)) {
            return Err(foreign(format!("layer `{name}` is not one of `{}`", manifest.name)).into());
        }
        let with_factors = tensors.names().iter().any(|name| name.ends_with(FACTORS));
        let (mut indices, mut factors) = (Vec::new(), Vec::new());
        for layer in &manifest.layers {
            let neurons = self.neurons(&tensors, layer)?;
            indices.push(neurons.iter().map(|(index, _)| *index).collect());
            factors.push(neurons.into_iter().map(|(_, factor)| factor).collect());
        }
        let mask = ConceptMask::from_indices(&manifest.layers, &indices)?;
        Ok(if with_factors { mask.with_factors(factors)? } else { mask })
    }

    /// One layer's neurons, ascending, each with its factor.
    fn neurons(&self, tensors: &SafeTensors<'_>, layer: &Layer) -> Result<Vec<(usize, f32)>> {
        let indices = self.values(tensors, &layer.name, Dtype::I32, i32::from_le_bytes)?.unwrap_or_default();
        let factors = self.values(tensors, &format!("{}{FACTORS}", layer.name), Dtype::F32, f32::from_le_bytes)?;
        let factors = factors.unwrap_or_else(|| vec![0.0; indices.len()]);
        if factors.len() != indices.len() {
            let (name, n, f) = (&layer.name, indices.len(), factors.len());
            return Err(self.bad(format!("has {n} indices in layer `{name}` and {f} factors")));
        }
        let mut neurons = Vec::with_capacity(indices.len());
        for (index, factor) in indices.into_iter().zip(factors) {
            let index = usize::try_from(index)
                .map_err(|_| self.bad(format!("holds the negative index {index} in layer `{}`", layer.name)))?;
            neurons.push((index, factor));
        }
        neurons.sort_by_key(|(index, _)| *index);
        if let Some([(twice, _), _]) = neurons.array_windows().find(|[a, b]| a.0 == b.0) {
            return Err(self.bad(format!("holds index {twice} of layer `{}` twice", layer.name)));
        }
        Ok(neurons)
    }

    /// A one-dimensional tensor of four-byte numbers, if there is one of that name.
    fn values<T>(
        &self,
        tensors: &SafeTensors<'_>,
        name: &str,
        dtype: Dtype,
        read: impl Fn([u8; 4]) -> T,
    ) -> Result<Option<Vec<T>>> {
        let Ok(tensor) = tensors.tensor(name) else { return Ok(None) };
        if tensor.dtype() != dtype || tensor.shape().len() != 1 {
            let kind = if dtype == Dtype::I32 { "int32" } else { "float32" };
            return Err(self.bad(format!("has a tensor `{name}` that is no list of {kind}")));
        }
        let (numbers, _) = tensor.data().as_chunks::<4>();
        Ok(Some(numbers.iter().map(|bytes| read(*bytes)).collect()))
    }

    fn bad(&self, reason: String) -> Error {
        Error::mask(&self.path, reason)
    }
}
