//! Weights files: every tensor's data once, at aligned offsets, shared by the graphs of a bundle.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use cones_onnx::proto::tensor_proto::{DataLocation, DataType};
use cones_onnx::proto::{GraphProto, StringStringEntryProto, TensorProto};
use cones_onnx::source::Source;
use cones_onnx::{Model, names, node, tensor};
use half::f16;
use prost::bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::storage::Storage;

/// Smaller tensors stay in the graph: shapes and indices must, and a place in another file costs more than it saves.
const MIN_BYTES: usize = 1024;
/// From this size on a tensor begins on a page, so that it can be mapped by itself; below, on a cache line.
const PAGE_FROM: usize = 64 * 1024;
const PAGE: u64 = 4096;
const LINE: u64 = 64;
/// A graph whose stored weights are smaller than this keeps them inside.
const MAX_INLINE: u64 = 16 * 1024 * 1024;

/// A weights file being written. Data that are there already are not written again.
#[derive(Debug)]
pub struct WeightsFile {
    name: String,
    path: PathBuf,
    out: BufWriter<File>,
    length: u64,
    places: HashMap<[u8; 32], u64>,
}

impl WeightsFile {
    /// Begins `folder/name`.
    pub fn create(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        let out = BufWriter::new(File::create(&path).map_err(Error::io("create", &path))?);
        Ok(Self { name: name.to_owned(), path, out, length: 0, places: HashMap::new() })
    }

    /// Stores data and returns their offset.
    fn add(&mut self, data: &[u8]) -> Result<u64> {
        let key = Sha256::digest(data).into();
        if let Some(offset) = self.places.get(&key) {
            return Ok(*offset);
        }
        let alignment = if data.len() >= PAGE_FROM { PAGE } else { LINE };
        let offset = self.length.next_multiple_of(alignment);
        let padding = vec![0u8; (offset - self.length) as usize];
        let written = self.out.write_all(&padding).and_then(|()| self.out.write_all(data));
        written.map_err(Error::io("write", &self.path))?;
        self.length = offset + data.len() as u64;
        self.places.insert(key, offset);
        Ok(offset)
    }

    /// Writes out what is buffered.
    pub fn finish(mut self) -> Result<()> {
        let written = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        written.map_err(Error::io("write", &self.path))
    }
}

/// Moves a graph's weights into `weights` and small tensors into the graph.
pub fn store(model: &mut Model, storage: Storage, weights: &mut WeightsFile) -> Result<()> {
    rewrite(model, storage, Some(weights))
}

/// Stores a graph's weights inside it if they are small, else in `file_name` in `folder`.
pub fn store_alone(model: &mut Model, storage: Storage, folder: &Path, file_name: &str) -> Result<()> {
    if stored_bytes(model, storage)? < MAX_INLINE {
        return rewrite(model, storage, None);
    }
    let mut weights = WeightsFile::create(folder, file_name)?;
    rewrite(model, storage, Some(&mut weights))?;
    weights.finish()
}

fn stored_bytes(model: &Model, storage: Storage) -> Result<u64> {
    let mut total = 0u64;
    for tensor in &model.graph()?.initializer {
        let data = stored(tensor, storage, &model.source)?;
        total = total.saturating_add(data.bytes.len() as u64);
    }
    Ok(total)
}

fn rewrite(model: &mut Model, storage: Storage, mut weights: Option<&mut WeightsFile>) -> Result<()> {
    let Model { proto, source } = model;
    let Some(graph) = proto.graph.as_mut() else { return Ok(()) };
    let mut casts = Vec::new();
    for at in 0..graph.initializer.len() {
        let data = stored(&graph.initializer[at], storage, source)?;
        if data.is_halved {
            let name = graph.initializer[at].name().to_owned();
            let half = names::free(graph, &format!("{name}.float16"));
            casts.push(node::cast(&half, &name, DataType::Float as i32));
            graph.initializer[at].name = Some(half);
            graph.initializer[at].data_type = Some(DataType::Float16 as i32);
        }
        place(&mut graph.initializer[at], data.bytes, weights.as_deref_mut())?;
    }
    // Initializers need no order, but their casts must come before all readers.
    graph.node.splice(0..0, casts);
    inline_bodies(graph, source)
}

/// A tensor's data as a bundle keeps them.
struct Stored {
    bytes: Bytes,
    is_halved: bool,
}

fn stored(tensor: &TensorProto, storage: Storage, source: &Source) -> Result<Stored> {
    let bytes = source.bytes(tensor)?;
    let is_large_float = tensor.data_type == Some(DataType::Float as i32) && bytes.len() >= MIN_BYTES;
    if storage == Storage::Float16
        && is_large_float
        && let Some(halves) = halve(&bytes)
    {
        return Ok(Stored { bytes: halves.into(), is_halved: true });
    }
    Ok(Stored { bytes, is_halved: false })
}

/// Float32 data as float16, if no value changes by it.
fn halve(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut halves = Vec::with_capacity(bytes.len() / 2);
    for chunk in bytes.as_chunks::<4>().0 {
        let value = f32::from_le_bytes(*chunk);
        let half = f16::from_f32(value);
        // Bits, not values: a negative zero stays one, and a NaN is none of ours to change.
        if half.to_f32().to_bits() != value.to_bits() {
            return None;
        }
        halves.extend_from_slice(&half.to_le_bytes());
    }
    Some(halves)
}

fn place(tensor: &mut TensorProto, bytes: Bytes, weights: Option<&mut WeightsFile>) -> Result<()> {
    forget_data(tensor);
    match weights {
        Some(weights) if bytes.len() >= MIN_BYTES => {
            let offset = weights.add(&bytes)?;
            let entry =
                |key: &str, value: String| StringStringEntryProto { key: Some(key.to_owned()), value: Some(value) };
            tensor.data_location = Some(DataLocation::External as i32);
            tensor.external_data = vec![
                entry("location", weights.name.clone()),
                entry("offset", offset.to_string()),
                entry("length", bytes.len().to_string()),
            ];
        }
        _ => tensor.raw_data = Some(bytes),
    }
    Ok(())
}

/// Puts other data of the same type and shape in the place of a tensor's.
pub(crate) fn replace(tensor: &mut TensorProto, bytes: Bytes) {
    forget_data(tensor);
    tensor.raw_data = Some(bytes);
}

fn forget_data(tensor: &mut TensorProto) {
    tensor.raw_data = None;
    tensor.float_data.clear();
    tensor.int32_data.clear();
    tensor.int64_data.clear();
    tensor.double_data.clear();
    tensor.uint64_data.clear();
    tensor.external_data.clear();
    tensor.data_location = None;
}

/// Constants inside control flow and attributes are small; they are brought into the graph if an exporter put them beside it.
fn inline_bodies(graph: &mut GraphProto, source: &Source) -> Result<()> {
    for n in &mut graph.node {
        for tensor in n.attribute.iter_mut().filter_map(|a| a.t.as_mut()).filter(|t| tensor::is_external(t)) {
            let bytes = source.bytes(tensor)?;
            place(tensor, bytes, None)?;
        }
        for body in node::subgraphs_mut(n) {
            for tensor in body.initializer.iter_mut().filter(|t| tensor::is_external(t)) {
                let bytes = source.bytes(tensor)?;
                place(tensor, bytes, None)?;
            }
            inline_bodies(body, source)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_only_what_stays_the_same() {
        let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        assert_eq!(halve(&bytes(&[1.0, -0.0])), Some(vec![0x00, 0x3c, 0x00, 0x80]));
        assert_eq!(halve(&bytes(&[0.1])), None);
        assert_eq!(halve(&bytes(&[1e6])), None);
        assert_eq!(halve(&bytes(&[f32::INFINITY])), Some(vec![0x00, 0x7c]));
    }

    #[test]
    fn stores_once_and_aligned() -> Result<()> {
        let folder = tempfile::tempdir().map_err(Error::io("create", Path::new("temporary folder")))?;
        let mut weights = WeightsFile::create(folder.path(), "x.weights")?;
        assert_eq!(weights.add(&[1; 1500])?, 0);
        assert_eq!(weights.add(&[2; 1500])?, 1536);
        assert_eq!(weights.add(&[3; PAGE_FROM])?, 4096);
        assert_eq!(weights.add(&[1; 1500])?, 0);
        weights.finish()
    }
}
