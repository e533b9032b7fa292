//! The cross-attention projections Wk and Wv, and the K and V that come of them.
//!
//! K = c·Wkᵀ and V = c·Wvᵀ depend on the prompt's embedding c alone, so they are computed once per prompt. A mask is
//! applied to the product, not to the weights: shutting weight (r, j) by the factor 1 - s takes `s · w[r, j] · c[·, j]`
//! from column r of the product. The base product stays as it is, so switching off is exact.

use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};

use crate::fingerprint::Fingerprint;
use crate::manifest::Layer;
use crate::{Error, Result};

/// `attention.safetensors`, mapped.
#[derive(Debug)]
pub struct AttentionWeights {
    layers: Vec<Matrix>,
    map: Mmap,
}

/// Where one layer's matrix lies in the mapped file.
#[derive(Debug, Clone)]
struct Matrix {
    name: String,
    rows: usize,
    columns: usize,
    start: usize,
    half: bool,
}

impl AttentionWeights {
    /// Maps the file and checks that it holds exactly the layers with their shapes.
    pub(crate) fn open(path: &Path, layers: &[Layer]) -> Result<Self> {
        let map = crate::mapped::map(path)?;
        let layers = read_header(path, &map, layers)?;
        Ok(Self { layers, map })
    }

    /// The layers' names, rows and columns, in the bundle's order.
    pub fn layers(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.layers.iter().map(|m| (m.name.as_str(), m.rows, m.columns))
    }

    /// Reads `out.len() / columns` rows of a layer from row `first`, as float32.
    ///
    /// The caller keeps layer and rows in range; out of range gives zeros.
    pub fn read_rows(&self, layer: usize, first: usize, out: &mut [f32]) {
        out.fill(0.0);
        let Some(matrix) = self.layers.get(layer) else { return };
        let width = if matrix.half { 2 } else { 4 };
        let start = matrix.start + first * matrix.columns * width;
        let Some(bytes) = self.map.get(start..start + out.len() * width) else { return };
        if matrix.half {
            // safetensors does not promise alignment, so the halves are gathered first.
            let mut halves = [f16::ZERO; 256];
            for (chunk, source) in out.chunks_mut(256).zip(bytes.chunks(512)) {
                for (half, pair) in halves.iter_mut().zip(source.chunks_exact(2)) {
                    *half = f16::from_le_bytes([pair[0], pair[1]]);
                }
                halves[..chunk.len()].convert_to_f32_slice(chunk);
            }
        } else {
            for (value, quad) in out.iter_mut().zip(bytes.chunks_exact(4)) {
                *value = f32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]]);
            }
        }
    }

    /// One weight as float32; zero when out of range.
    pub fn weight(&self, layer: usize, index: usize) -> f32 {
        let Some(matrix) = self.layers.get(layer) else { return 0.0 };
        if matrix.half {
            let start = matrix.start + 2 * index;
            self.map.get(start..start + 2).map_or(0.0, |b| f16::from_le_bytes([b[0], b[1]]).to_f32())
        } else {
            let start = matrix.start + 4 * index;
            self.map.get(start..start + 4).map_or(0.0, |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        }
    }

    /// The bundle's fingerprint, computed from the values.
    pub fn fingerprint(&self) -> String {
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

fn read_header(path: &Path, map: &Mmap, layers: &[Layer]) -> Result<Vec<Matrix>> {
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

/// K and V of one prompt, for every layer, token by token.
#[derive(Debug, Clone)]
pub struct KeyValues {
    /// One `tokens × rows` matrix for each layer, row-major.
    pub layers: Vec<Vec<f32>>,
}

/// One prompt's embedding with its base products. Kept as long as the prompt stays the same, so that switching
/// subjects costs only the correction for their neurons.
#[derive(Debug, Clone)]
pub struct Projection {
    tokens: usize,
    /// The embedding transposed: `columns × tokens`.
    embedding: Vec<f32>,
    /// Base products transposed, `rows × tokens` for each layer.
    base: Vec<Vec<f32>>,
}

/// Weights scaled for some tokens of a prompt.
#[derive(Debug, Clone)]
pub struct Correction {
    /// Token positions it applies to, ascending.
    pub tokens: Vec<usize>,
    /// For each layer, `(neuron index, factor)`, ascending; the weight becomes `w * factor`.
    pub factors: Vec<Vec<(usize, f32)>>,
}

impl Projection {
    /// Computes the base products of an embedding of `tokens × columns`.
    pub fn new(weights: &AttentionWeights, embedding: &[f32], tokens: usize) -> Self {
        let columns = embedding.len().checked_div(tokens).unwrap_or(0);
        let transposed = transpose(embedding, tokens, columns);
        let base = weights
            .layers
            .iter()
            .enumerate()
            .map(|(layer, matrix)| {
                let mut product = vec![0.0; matrix.rows * tokens];
                let mut row = vec![0.0; matrix.columns];
                for (r, out) in product.chunks_exact_mut(tokens.max(1)).enumerate() {
                    weights.read_rows(layer, r, &mut row);
                    accumulate(&row, &transposed, tokens, out);
                }
                product
            })
            .collect();
        Self { tokens, embedding: transposed, base }
    }

    /// K and V with every correction applied; without corrections these are the base products, bit for bit.
    pub fn key_values(&self, weights: &AttentionWeights, corrections: &[Correction]) -> KeyValues {
        let layers = self
            .base
            .iter()
            .zip(&weights.layers)
            .enumerate()
            .map(|(layer, (base, matrix))| {
                let mut product = base.clone();
                for correction in corrections {
                    self.correct(weights, layer, matrix, correction, &mut product);
                }
                transpose(&product, matrix.rows, self.tokens)
            })
            .collect();
        KeyValues { layers }
    }

    fn correct(
        &self,
        weights: &AttentionWeights,
        layer: usize,
        matrix: &Matrix,
        correction: &Correction,
        product: &mut [f32],
    ) {
        let Some(factors) = correction.factors.get(layer) else { return };
        let every = correction.tokens.len() == self.tokens;
        for &(index, factor) in factors {
            let (row, column) = (index / matrix.columns, index % matrix.columns);
            let change = weights.weight(layer, index) * (factor - 1.0);
            let (Some(out), Some(input)) = (
                product.get_mut(row * self.tokens..(row + 1) * self.tokens),
                self.embedding.get(column * self.tokens..(column + 1) * self.tokens),
            ) else {
                continue;
            };
            if every {
                for (o, i) in out.iter_mut().zip(input) {
                    *o += change * i;
                }
            } else {
                for &token in &correction.tokens {
                    if let (Some(o), Some(i)) = (out.get_mut(token), input.get(token)) {
                        *o += change * i;
                    }
                }
            }
        }
    }
}

/// `out[t] = Σ_j row[j] · inputs[j, t]`, a block of tokens in registers at a time.
fn accumulate(row: &[f32], inputs: &[f32], tokens: usize, out: &mut [f32]) {
    const BLOCK: usize = 32;
    let mut start = 0;
    while start + BLOCK <= tokens {
        let mut sums = [0.0f32; BLOCK];
        for (&weight, input) in row.iter().zip(inputs.chunks_exact(tokens)) {
            for (sum, value) in sums.iter_mut().zip(&input[start..start + BLOCK]) {
                *sum += weight * value;
            }
        }
        out[start..start + BLOCK].copy_from_slice(&sums);
        start += BLOCK;
    }
    if start < tokens {
        for (&weight, input) in row.iter().zip(inputs.chunks_exact(tokens)) {
            for (sum, value) in out[start..].iter_mut().zip(&input[start..]) {
                *sum += weight * value;
            }
        }
    }
}

/// `rows × columns` to `columns × rows`.
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    if columns == 0 || rows == 0 {
        return out;
    }
    for (r, row) in values.chunks_exact(columns).enumerate() {
        for (c, &value) in row.iter().enumerate() {
            out[c * rows + r] = value;
        }
    }
    out
}
