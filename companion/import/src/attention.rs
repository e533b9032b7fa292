//! `attention.safetensors`: the projections' weights, as the runtime masks them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use cones_core::Sha256;
use cones_core::model::fingerprint::Fingerprint;
use half::f16;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::error::{Error, Result};
use crate::layers::Layers;
use crate::merge::Merge;

/// Writes all projections, one at a time and with what is merged into them, and returns their fingerprint.
///
/// The file is float16 if that changes no value, as it is for weights published in float16, else float32.
pub(super) fn write(layers: &Layers, merge: Option<&Merge>, path: &Path) -> Result<Sha256> {
    // What was float16 stays so when something is merged into it.
    let is_half = layers.projections.iter().all(|projection| projection.is_half);
    let io = || Error::io("write", path);
    let mut out = BufWriter::new(File::create(path).map_err(Error::io("create", path))?);
    out.write_all(&header(layers, is_half, path)?).map_err(io())?;
    let mut fingerprint = Fingerprint::new();
    for projection in &layers.projections {
        let merged = merge.map(|merge| merge.layer(&projection.layer.name)).transpose()?.flatten();
        let values = merged.map_or_else(|| layers.values(projection), Ok)?;
        let layer = &projection.layer;
        fingerprint.layer(&layer.name, layer.rows, layer.columns);
        fingerprint.f32s(&values);
        let bytes: Vec<u8> = match is_half {
            true => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
            false => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        };
        out.write_all(&bytes).map_err(io())?;
    }
    out.flush().and_then(|()| out.get_ref().sync_all()).map_err(io())?;
    Ok(fingerprint.finish())
}

/// The header with its length before it, filled up with spaces so that the data begin at a multiple of eight.
fn header(layers: &Layers, is_half: bool, path: &Path) -> Result<Vec<u8>> {
    let (dtype, width) = if is_half { (Dtype::F16, 2) } else { (Dtype::F32, 4) };
    let mut end = 0;
    let mut tensors = Vec::new();
    for layer in layers.projections.iter().map(|projection| &projection.layer) {
        let shape = vec![layer.rows as usize, layer.columns as usize];
        let start = end;
        end += shape[0] * shape[1] * width;
        tensors.push((layer.name.clone(), TensorInfo { dtype, shape, data_offsets: (start, end) }));
    }
    let metadata = Metadata::new(None, tensors).map_err(|error| Error::weights(path, error.to_string()))?;
    let mut json = serde_json::to_vec(&metadata).map_err(|error| Error::weights(path, error.to_string()))?;
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut header = (json.len() as u64).to_le_bytes().to_vec();
    header.append(&mut json);
    Ok(header)
}
