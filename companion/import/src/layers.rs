//! The cross-attention projections of a diffusers U-Net: their names, order and weights.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cones_core::model::manifest::Layer;
use half::f16;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::json::Json;
use crate::safetensors_file::SafetensorsFile;
use crate::weight_names::{self, Blocks};

/// Base names that diffusers gives the U-Net's weights, in the order they are looked for.
const NAMES: [&str; 2] = ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"];
const INDEX: &str = "diffusion_pytorch_model.safetensors.index.json";

/// SHA-256 over a matrix's float16-rounded values, row-major as PyTorch stores it.
pub(super) type ValuesHash = [u8; 32];

/// Hashes values as they count for identity: rounded to float16.
pub(super) fn values_hash(values: impl Iterator<Item = f32>) -> ValuesHash {
    let bytes: Vec<u8> = values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect();
    Sha256::digest(&bytes).into()
}

/// One projection as the diffusers folder has it.
#[derive(Debug)]
pub(super) struct Projection {
    /// Name, rows (outputs), columns (text width).
    pub(super) layer: Layer,
    /// What its values are.
    pub(super) hash: ValuesHash,
    /// Whether every value is exactly a float16.
    pub(super) is_half: bool,
    file: usize,
    /// What the file calls it.
    tensor: String,
}

/// All projections, in the order of the U-Net's forward pass, `to_k` before `to_v`.
#[derive(Debug)]
pub(super) struct Layers {
    files: Vec<SafetensorsFile>,
    /// One for each layer.
    pub(super) projections: Vec<Projection>,
}

impl Layers {
    /// Reads names, shapes and hashes from `DIFFUSERS_DIR/unet`.
    pub(super) fn open(unet: &Path) -> Result<Self> {
        let files = weight_files(unet)?.iter().map(|path| SafetensorsFile::open(path)).collect::<Result<Vec<_>>>()?;
        let mut projections = Vec::new();
        for (index, file) in files.iter().enumerate() {
            for tensor in file.names() {
                if let Some(name) = weight_names::diffusers(&tensor) {
                    projections.push(projection(file, index, tensor, name)?);
                }
            }
        }
        Self::sorted(files, projections, unet)
    }

    /// The K/V layers of one file that holds a U-Net of these blocks, in diffusers' names or in those of Stable Diffusion's
    /// first publication.
    pub(super) fn open_file(path: &Path, blocks: &Blocks) -> Result<Self> {
        let file = weight_names::open(path)?;
        let layers = blocks.layers(&file)?.into_iter();
        let projections = layers.map(|(tensor, name)| projection(&file, 0, tensor, name)).collect::<Result<_>>()?;
        Self::sorted(vec![file], projections, path)
    }

    fn sorted(files: Vec<SafetensorsFile>, mut projections: Vec<Projection>, place: &Path) -> Result<Self> {
        if projections.is_empty() {
            return Err(Error::weights(place, "the U-Net has no cross-attention (`attn2.to_k`, `attn2.to_v`)"));
        }
        projections.sort_by_cached_key(|projection| forward_key(&projection.layer.name));
        if let Some(pair) = projections.windows(2).find(|pair| pair[0].layer.name == pair[1].layer.name) {
            return Err(Error::weights(place, format!("`{}` is there twice", pair[0].layer.name)));
        }
        Ok(Self { files, projections })
    }

    /// A projection's values, rows by columns.
    pub(super) fn values(&self, projection: &Projection) -> Result<Vec<f32>> {
        self.files[projection.file].values(&projection.tensor)
    }

    /// The folder's U-Net weights, for messages.
    pub(super) fn file(&self, projection: &Projection) -> &Path {
        self.files[projection.file].path()
    }
}

fn projection(file: &SafetensorsFile, index: usize, tensor: String, name: String) -> Result<Projection> {
    let shape = file.shape(&tensor).unwrap_or_default();
    let size = |n: usize| u32::try_from(n).ok().filter(|n| *n > 0);
    let (Some(rows), Some(columns), 2) =
        (shape.first().copied().and_then(size), shape.get(1).copied().and_then(size), shape.len())
    else {
        return Err(Error::weights(file.path(), format!("tensor `{tensor}` has shape {shape:?}, not [rows, columns]")));
    };
    let values = file.values(&tensor)?;
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(Error::weights(file.path(), format!("tensor `{tensor}` is not finite at element {at}")));
    }
    Ok(Projection {
        layer: Layer { name, rows, columns },
        hash: values_hash(values.iter().copied()),
        is_half: values.iter().all(|value| f16::from_f32(*value).to_f32() == *value),
        file: index,
        tensor,
    })
}

fn weight_files(unet: &Path) -> Result<Vec<PathBuf>> {
    if let Some(path) = NAMES.iter().map(|name| unet.join(name)).find(|path| path.is_file()) {
        return Ok(vec![path]);
    }
    let index = unet.join(INDEX);
    if !index.is_file() {
        return Err(weight_names::others(unet, NAMES[0]));
    }
    let json = Json::read(&index)?;
    let parts: BTreeSet<String> =
        json.object("weight_map")?.values().filter_map(|part| part.as_str()).map(str::to_owned).collect();
    if let Some(odd) = parts.iter().find(|part| part.contains(['/', '\\']) || part.starts_with("..")) {
        return Err(Error::weights(&index, format!("it names `{odd}`, outside its folder")));
    }
    Ok(parts.iter().map(|part| unet.join(part)).collect())
}

/// Sorts by the order of computation: down, middle, up, then by the numbers in the name.
fn forward_key(name: &str) -> (u8, Vec<u32>, String) {
    let stage = match name.split('.').next() {
        Some("down_blocks") => 0,
        Some("mid_block") => 1,
        Some("up_blocks") => 2,
        _ => 3,
    };
    (stage, name.split('.').filter_map(|part| part.parse().ok()).collect(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_order_is_numeric_and_down_mid_up() {
        let mut names = [
            "up_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k",
            "down_blocks.1.attentions.10.transformer_blocks.0.attn2.to_k",
            "mid_block.attentions.0.transformer_blocks.0.attn2.to_v",
            "mid_block.attentions.0.transformer_blocks.0.attn2.to_k",
            "down_blocks.1.attentions.2.transformer_blocks.0.attn2.to_v",
        ];
        names.sort_by_cached_key(|name| forward_key(name));
        let numbers: Vec<_> = names.iter().map(|name| forward_key(name).1).collect();
        assert_eq!(numbers, [vec![1, 2, 0], vec![1, 10, 0], vec![0, 0], vec![0, 0], vec![0, 0, 0]]);
        assert!(names[2].ends_with("to_k") && names[3].ends_with("to_v"));
    }
}
