//! `attention.safetensors`, mapped: the projections' weights as they lie on the disk.

use std::path::{Path, PathBuf};

use crate::model::mapped::MappedFile;
use half::f16;
use half::slice::HalfFloatSliceExt;
use safetensors::{Dtype, SafeTensors};

use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::model::fingerprint::Fingerprint;
use crate::model::manifest::Layer;

/// Weights that are widened at a time: one by one, each would ask the processor what it can do.
const CHUNK: usize = 256;

/// `attention.safetensors`, mapped.
#[derive(Debug)]
pub struct AttentionWeights {
    layers: Vec<Matrix>,
    map: MappedFile,
}

/// Where one layer's matrix lies in the mapped file.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    start: usize,
    half: bool,
}

impl AttentionWeights {
    /// Maps the file and checks that it holds exactly the layers with their shapes.
    pub(crate) fn open(path: &Path, layers: &[Layer]) -> Result<Self> {
        let map = MappedFile::open(path)?;
        let layers = read_header(path, &map, layers)?;
        Ok(Self { layers, map })
    }

    /// The layers' names, rows and columns, in the bundle's order.
    pub fn layers(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.layers.iter().map(|m| (m.name.as_str(), m.rows, m.columns))
    }

    /// The layers in the bundle's order.
    pub(crate) fn matrices(&self) -> &[Matrix] {
        &self.layers
    }

    /// Reads `out.len() / columns` rows of a layer from row `first`, as float32.
    ///
    /// The caller keeps layer and rows in range; out of range gives zeros.
    pub fn read_rows(&self, layer: usize, first: usize, out: &mut [f32]) {
        let values = self.layers.get(layer).and_then(|matrix| {
            let width = if matrix.half { 2 } else { 4 };
            let start = first.checked_mul(matrix.columns * width)?.checked_add(matrix.start)?;
            Some((matrix.half, self.map.get(start..)?.get(..out.len() * width)?))
        });
        match values {
            Some((true, bytes)) => widen(bytes, out),
            Some((false, bytes)) => {
                out.iter_mut().zip(bytes.as_chunks::<4>().0).for_each(|(o, b)| *o = f32::from_le_bytes(*b));
            }
            None => out.fill(0.0),
        }
    }

    /// Reads single weights of a layer, as float32; zero for one that is out of range.
    pub(crate) fn gather(&self, layer: usize, indices: impl Iterator<Item = usize>, out: &mut [f32]) {
        match self.layers.get(layer) {
            Some(matrix) if matrix.half => gather_halves(self.values(matrix), indices, out),
            Some(matrix) => {
                let values = self.values(matrix);
                out.iter_mut()
                    .zip(indices)
                    .for_each(|(o, i)| *o = values.get(i).map_or(0.0, |b| f32::from_le_bytes(*b)));
            }
            None => out.fill(0.0),
        }
    }

    /// A layer's weights as they lie in the file, `N` bytes each.
    fn values<const N: usize>(&self, matrix: &Matrix) -> &[[u8; N]] {
        let values = self.map.get(matrix.start..).unwrap_or_default().as_chunks().0;
        values.get(..matrix.rows * matrix.columns).unwrap_or_default()
    }

    /// The bundle's fingerprint, computed from the values.
    pub fn fingerprint(&self) -> Sha256 {
        let mut fingerprint = Fingerprint::new();
        for (layer, matrix) in self.layers.iter().enumerate() {
            // Rows and columns came from u32s of the manifest.
            fingerprint.layer(&matrix.name, matrix.rows as u32, matrix.columns as u32);
            let mut row = vec![0.0; matrix.columns];
            for r in 0..matrix.rows {
                self.read_rows(layer, r, &mut row);
                fingerprint.f32s(&row);
            }
        }
        fingerprint.finish()
    }
}

/// Float16 as it lies in the file to float32. safetensors does not promise alignment, so they are copied first.
fn widen(bytes: &[u8], out: &mut [f32]) {
    let mut halves = [f16::ZERO; CHUNK];
    for (out, bytes) in out.chunks_mut(CHUNK).zip(bytes.chunks(2 * CHUNK)) {
        for (half, pair) in halves.iter_mut().zip(bytes.as_chunks().0) {
            *half = f16::from_le_bytes(*pair);
        }
        halves[..out.len()].convert_to_f32_slice(out);
    }
}

/// Some float16 to float32.
fn gather_halves(values: &[[u8; 2]], mut indices: impl Iterator<Item = usize>, out: &mut [f32]) {
    let mut halves = [f16::ZERO; CHUNK];
    for out in out.chunks_mut(CHUNK) {
        for (half, index) in halves[..out.len()].iter_mut().zip(&mut indices) {
            *half = values.get(index).map_or(f16::ZERO, |pair| f16::from_le_bytes(*pair));
        }
        halves[..out.len()].convert_to_f32_slice(out);
    }
}

fn read_header(path: &Path, map: &MappedFile, layers: &[Layer]) -> Result<Vec<Matrix>> {
    let bad = |reason: String| Error::bundle(PathBuf::from(path), reason);
    let tensors = SafeTensors::deserialize(map).map_err(|error| bad(format!("not a safetensors file: {error}")))?;
    if tensors.len() != layers.len() {
        return Err(bad(format!("it holds {} layers, the manifest lists {}", tensors.len(), layers.len())));
    }
    let base = map.as_ptr() as usize;
    layers
        .iter()
        .map(|layer| {
            let tensor = tensors.tensor(&layer.name).map_err(|_| bad(format!("layer `{}` is missing", layer.name)))?;
            let (rows, columns) = (layer.rows as usize, layer.columns as usize);
            if tensor.shape() != [rows, columns] {
                let (name, shape) = (&layer.name, tensor.shape());
                return Err(bad(format!("layer `{name}` has shape {shape:?} instead of [{rows}, {columns}]")));
            }
            let half = match tensor.dtype() {
                Dtype::F16 => true,
                Dtype::F32 => false,
                other => return Err(bad(format!("layer `{}` has type {other:?}, not F16 or F32", layer.name))),
            };
            let start = tensor.data().as_ptr() as usize - base;
            Ok(Matrix { name: layer.name.clone(), rows, columns, start, half })
        })
        .collect()
}
