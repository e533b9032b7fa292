//! LoRAs merged into weights while a model is imported.
//!
//! Exporters rename weights and turn them round, so a module's weight is found in the graph by its values, as the K/V layers are
//! (`identify.rs`): those of the folder given as --weights. What was exact in float16 stays so, as where diffusers fuses a LoRA
//! into a float16 pipeline.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use cones_core::model::mapped::MappedFile;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{Model, element};
use half::f16;
use prost::bytes::Bytes;

use crate::error::{Error, Result};
use crate::layers::{ValuesHash, values_hash};
use crate::lora::{Lora, Part, summary};
use crate::safetensors_file::SafetensorsFile;
use crate::store;

/// Converters to float16 move the smallest values away from zero: such weights are found by their distance, root mean square of
/// the difference over that of the weights.
const TOLERANCE: f64 = 1e-3;

/// A LoRA that is merged into the weights at import.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The LoRA's safetensors file.
    pub lora: PathBuf,
    /// How strong, as diffusers' `lora_scale`; 1 by custom.
    pub scale: f32,
}

/// LoRAs with the weights that they change.
#[derive(Debug)]
pub(super) struct Merge {
    loras: Vec<(Lora, f32)>,
    files: Vec<SafetensorsFile>,
    targets: Vec<Target>,
}

/// A weight that changes.
#[derive(Debug)]
struct Target {
    part: Part,
    module: String,
    file: usize,
    tensor: String,
    shape: Vec<usize>,
    /// Which adapters of which LoRAs change it.
    adapters: Vec<(usize, usize)>,
}

impl Merge {
    /// Opens the LoRAs and finds their modules in the weights of a diffusers folder; none where there is nothing to merge.
    pub(super) fn open(merged: &[Merged], weights: &Path) -> Result<Option<Self>> {
        if merged.is_empty() {
            return Ok(None);
        }
        if weights.is_file() {
            return Err(Error::Weights {
                file: weights.to_path_buf(),
                reason: "LoRAs are merged into a diffusers folder, and this is one file".into(),
                hint:
                    "load it with diffusers (`from_single_file`), save it with `save_pretrained`, and give that folder"
                        .into(),
            });
        }
        let (mut files, mut modules) = (Vec::new(), Vec::new());
        for (part, folder) in [(Part::Unet, "unet"), (Part::TextEncoder, "text_encoder")] {
            for path in weight_files(&weights.join(folder))? {
                let file = SafetensorsFile::open(&path)?;
                let names = file
                    .names()
                    .into_iter()
                    .filter_map(|tensor| Some((tensor.strip_suffix(".weight")?.to_owned(), tensor)));
                modules.extend(names.map(|(module, tensor)| (part, module, tensor, files.len())));
                files.push(file);
            }
        }
        let loras = merged.iter().map(|one| Ok((Lora::open(&one.lora)?, one.scale))).collect::<Result<Vec<_>>>()?;
        let mut targets: Vec<Target> = Vec::new();
        for (number, (lora, _)) in loras.iter().enumerate() {
            let mut unknown = Vec::new();
            for (at, adapter) in lora.adapters.iter().enumerate() {
                let found = modules.iter().find(|(part, module, ..)| is_module(&adapter.module, *part, module));
                let Some((part, module, tensor, file)) = found else {
                    unknown.push(&adapter.module);
                    continue;
                };
                let own = (number, at);
                if let Some(target) = targets.iter_mut().find(|t| t.part == *part && t.module == *module) {
                    target.adapters.push(own);
                    continue;
                }
                let shape = files[*file].shape(tensor).unwrap_or_default().to_vec();
                let (module, tensor) = (module.clone(), tensor.clone());
                targets.push(Target { part: *part, module, file: *file, tensor, shape, adapters: vec![own] });
            }
            if !unknown.is_empty() {
                let (count, list) = (unknown.len(), summary(&unknown));
                let reason = format!(
                    "{count} of its {} modules are not in `{}`: {list}",
                    lora.adapters.len(),
                    weights.display()
                );
                return Err(lora.refused(reason, "it was made for another model"));
            }
        }
        Ok(Some(Self { loras, files, targets }))
    }

    /// The values of a layer of the U-Net with what the LoRAs add to it; none where they add nothing.
    pub(super) fn layer(&self, name: &str) -> Result<Option<Vec<f32>>> {
        let target = self.targets.iter().find(|target| target.part == Part::Unet && target.module == name);
        target.map(|target| self.merged(target)).transpose()
    }

    /// How many modules change.
    pub(super) fn modules(&self) -> usize {
        self.targets.len()
    }

    fn original(&self, target: &Target) -> Result<Vec<f32>> {
        self.files[target.file].values(&target.tensor)
    }

    fn merged(&self, target: &Target) -> Result<Vec<f32>> {
        let mut values = self.original(target)?;
        let is_half = values.iter().all(|value| f16::from_f32(*value).to_f32() == *value);
        for (lora, adapter) in &target.adapters {
            let (lora, scale) = &self.loras[*lora];
            let delta = lora.delta(&lora.adapters[*adapter], &target.shape, *scale)?;
            values.iter_mut().zip(delta).for_each(|(value, delta)| *value += delta);
        }
        if is_half {
            values.iter_mut().for_each(|value| *value = f16::from_f32(*value).to_f32());
        }
        if values.iter().any(|value| !value.is_finite()) {
            let reason = format!("its weights of `{}` would not be finite with the LoRA", target.module);
            return Err(Error::weights(self.files[target.file].path(), reason));
        }
        Ok(values)
    }

    /// Changes a graph's weights; of the U-Net those that are left when its keys and values are inputs. New data are written to
    /// a file in `folder`, which is to be kept until the graph is stored.
    ///
    /// # Errors
    /// Names the modules that are not found in the graph.
    pub(super) fn change_graph(
        &self,
        model: &mut Model,
        part: Part,
        folder: &Path,
    ) -> Result<Option<tempfile::TempPath>> {
        let of_graph = |target: &&Target| target.part == part && !(part == Part::Unet && is_projection(&target.module));
        let targets: Vec<&Target> = self.targets.iter().filter(of_graph).collect();
        if targets.is_empty() {
            return Ok(None);
        }
        let places = self.places(model, &targets)?;
        let file =
            tempfile::Builder::new().prefix(".merged").tempfile_in(folder).map_err(Error::io("create", folder))?;
        let io = || Error::io("write", file.path());
        let mut out = BufWriter::new(file.as_file());
        let mut ranges = Vec::new();
        let mut end = 0;
        let graph = model.graph()?;
        for place in &places {
            let values = self.merged(targets[place.target])?;
            let values = if place.transposed { transposed(&values, &targets[place.target].shape) } else { values };
            let kind = graph.initializer[place.initializer].data_type.unwrap_or_default();
            let bytes = element::from_f64(&values.into_iter().map(f64::from).collect::<Vec<_>>(), kind);
            out.write_all(&bytes).map_err(io())?;
            ranges.push(end..end + bytes.len());
            end += bytes.len();
        }
        out.flush().map_err(io())?;
        drop(out);
        let path = file.into_temp_path();
        let data = Bytes::from_owner(MappedFile::open(&path)?);
        let graph = model.graph_mut()?;
        for (place, range) in places.iter().zip(ranges) {
            store::replace(&mut graph.initializer[place.initializer], data.slice(range));
        }
        Ok(Some(path))
    }

    /// Where in the graph the targets' weights are: every one at least once, and every initializer one target's.
    fn places(&self, model: &Model, targets: &[&Target]) -> Result<Vec<Place>> {
        let graph = model.graph()?;
        let mut known: HashMap<ValuesHash, (usize, bool)> = HashMap::new();
        for (at, target) in targets.iter().enumerate() {
            let values = self.original(target)?;
            let mut add = |hash: ValuesHash, transposed: bool| match known.insert(hash, (at, transposed)) {
                Some((other, _)) if other != at => {
                    let twin = &targets[other].module;
                    let reason =
                        format!("has the same weights as `{twin}`, so which is which cannot be told in the graph");
                    Err(Error::layer(model.file(), &target.module, reason))
                }
                _ => Ok(()),
            };
            if sides(&target.shape).is_some() {
                add(values_hash(transposed(&values, &target.shape).into_iter()), true)?;
            }
            add(values_hash(values.into_iter()), false)?;
        }
        let sizes: Vec<usize> = targets.iter().map(|target| target.shape.iter().product()).collect();
        let mut places = Vec::new();
        for (initializer, tensor) in graph.initializer.iter().enumerate() {
            let count = tensor.dims.iter().try_fold(1usize, |n, side| n.checked_mul(usize::try_from(*side).ok()?));
            let kind = tensor.data_type.unwrap_or_default();
            if !count.is_some_and(|count| sizes.contains(&count)) || !element::is_float(kind) {
                continue;
            }
            let values = element::to_f32(&model.source.bytes(tensor)?, kind, usize::MAX).unwrap_or_default();
            let found = match known.get(&values_hash(values.iter().copied())) {
                Some(found) => Some(*found),
                // What is float32 is as it was, or another.
                None if kind == DataType::Float as i32 => None,
                None => self.nearest(targets, &values)?,
            };
            places.extend(found.map(|(target, transposed)| Place { target, initializer, transposed }));
        }
        let is_found = |at: usize| places.iter().any(|place| place.target == at);
        let missing: Vec<&str> =
            targets.iter().enumerate().filter(|(at, _)| !is_found(*at)).map(|(_, t)| t.module.as_str()).collect();
        if let Some(first) = missing.first() {
            let more =
                if missing.len() > 1 { format!(" (and of {} more modules)", missing.len() - 1) } else { String::new() };
            let reason = format!("is changed by a LoRA, and no weights of the graph are its{more}");
            return Err(Error::layer(model.file(), first, reason));
        }
        let is_twice = |at: &usize| places.iter().filter(|place| place.target == *at).count() > 1;
        match (0..targets.len()).find(is_twice) {
            Some(at) => {
                let reason = "has weights that the graph holds more than once, so which are its own cannot be told";
                Err(Error::layer(model.file(), &targets[at].module, reason))
            }
            None => Ok(places),
        }
    }

    /// The target whose weights these nearly are, and whether they are turned round.
    fn nearest(&self, targets: &[&Target], values: &[f32]) -> Result<Option<(usize, bool)>> {
        for (at, target) in
            targets.iter().enumerate().filter(|(_, t)| t.shape.iter().product::<usize>() == values.len())
        {
            let original = self.original(target)?;
            if is_near(&original, values) {
                return Ok(Some((at, false)));
            }
            if sides(&target.shape).is_some() && is_near(&transposed(&original, &target.shape), values) {
                return Ok(Some((at, true)));
            }
        }
        Ok(None)
    }
}

/// A weight of a graph that is a target's.
struct Place {
    target: usize,
    initializer: usize,
    transposed: bool,
}

fn is_near(original: &[f32], values: &[f32]) -> bool {
    // Most differ at the first look.
    let apart = |(a, b): (&f32, &f32)| (a - b).abs() > 0.05 * a.abs().max(b.abs()).max(1e-4);
    if original.iter().zip(values).take(64).filter(|pair| apart(*pair)).count() > 4 {
        return false;
    }
    let square = |sum: f64, value: f32| sum + f64::from(value) * f64::from(value);
    let size = original.iter().copied().fold(0.0, square);
    let error = original.iter().zip(values).map(|(a, b)| a - b).fold(0.0, square);
    (error / size.max(f64::MIN_POSITIVE)).sqrt() < TOLERANCE
}

/// Rows and columns of a linear layer's weight, or of a convolution's of one pixel.
fn sides(shape: &[usize]) -> Option<(usize, usize)> {
    match shape {
        [rows, columns] | [rows, columns, 1, 1] => Some((*rows, *columns)),
        _ => None,
    }
}

fn transposed(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let Some((rows, columns)) = sides(shape) else { return values.to_vec() };
    (0..columns)
        .flat_map(|column| (0..rows).map(move |row| row * columns + column))
        .filter_map(|at| values.get(at).copied())
        .collect()
}

fn is_projection(module: &str) -> bool {
    module.ends_with(".attn2.to_k") || module.ends_with(".attn2.to_v")
}

/// Newer versions of transformers leave out what their text encoders' names began with.
fn is_module(of_lora: &crate::lora::Module, part: Part, module: &str) -> bool {
    const BEFORE: &str = "text_model.";
    let other = || match module.strip_prefix(BEFORE) {
        Some(rest) => rest.to_owned(),
        None => format!("{BEFORE}{module}"),
    };
    of_lora.names(part, module) || (part == Part::TextEncoder && of_lora.names(part, &other()))
}

/// The safetensors files of a folder of weights; of two that hold the same, in float32 and in float16, the former.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = folder.read_dir() else { return Ok(Vec::new()) };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "safetensors"));
    files.sort();
    let is_half = |path: &PathBuf| path.to_string_lossy().contains(".fp16.");
    if files.iter().any(|path| !is_half(path)) {
        files.retain(|path| !is_half(path));
    }
    // Other files beside, as those of EMA weights, are in no index and have names of their own.
    let usual = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        ["diffusion_pytorch_model", "model"].iter().any(|start| name.starts_with(start)) && !name.contains("ema")
    };
    files.retain(usual);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_matrix_is_its_transpose() {
        let values: Vec<f32> = (0..6).map(|i| i as f32).collect();
        assert_eq!(transposed(&values, &[2, 3]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(transposed(&values, &[2, 3, 1, 1]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(transposed(&values, &[1, 1, 2, 3]), values);
    }
}
