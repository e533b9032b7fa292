//! Writes what [`MaskFile`](cones_import::MaskFile) reads.

use std::io::Write;
use std::path::Path;

use cones_core::disk::atomic::AtomicFile;
use cones_core::model::manifest::Layer;
use cones_core::subjects::pack::Metadata;
use cones_core::{Error, Pack};
use cones_import::mask::FACTORS;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// One tensor: its name, its type, and its values as bytes.
struct Tensor {
    name: String,
    dtype: &'static str,
    bytes: Vec<u8>,
}

/// Writes a pack as a safetensors file: for each layer its neuron indices as int32 and, where the pack is not binary,
/// their factors as float32. The same pack gives the same bytes. `layers` are those the pack was decoded for.
pub fn write(pack: &Pack, layers: &[Layer], path: &Path) -> Result<(), Failure> {
    let mut tensors = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let index = |neuron: usize| {
            i32::try_from(neuron).map_err(|_| format!("neuron {neuron} of layer `{}` does not fit int32", layer.name))
        };
        let indices = pack.mask.neurons(number).map(index).collect::<Result<Vec<_>, _>>()?;
        let bytes = indices.iter().flat_map(|i| i.to_le_bytes()).collect();
        tensors.push(Tensor { name: layer.name.clone(), dtype: "I32", bytes });
        if let Some(factors) = pack.mask.factors(number) {
            let bytes = factors.iter().flat_map(|f| f.to_le_bytes()).collect();
            tensors.push(Tensor { name: format!("{}{FACTORS}", layer.name), dtype: "F32", bytes });
        }
    }
    // The safetensors crate writes metadata in the order of a hash map, another one each time; so the header is ours.
    let header = header(pack, &tensors)?;
    let mut file = AtomicFile::create(path)?;
    let written = file.write_all(&(header.len() as u64).to_le_bytes()).and_then(|()| file.write_all(&header));
    written
        .and_then(|()| tensors.iter().try_for_each(|t| file.write_all(&t.bytes)))
        .map_err(Error::io("write", path))?;
    Ok(file.finish()?)
}

/// The JSON that safetensors files begin with, filled up with spaces to a multiple of eight.
fn header(pack: &Pack, tensors: &[Tensor]) -> Result<Vec<u8>, Failure> {
    let mut header = Map::new();
    header.insert("__metadata__".into(), metadata(pack));
    let mut end = 0;
    for tensor in tensors {
        let start = end;
        end += tensor.bytes.len();
        let count = tensor.bytes.len() / 4;
        let entry = json!({ "dtype": tensor.dtype, "shape": [count], "data_offsets": [start, end] });
        header.insert(tensor.name.clone(), entry);
    }
    let mut json = serde_json::to_vec(&header)?;
    json.resize(json.len().next_multiple_of(8), b' ');
    Ok(json)
}

fn metadata(pack: &Pack) -> Value {
    let Metadata { name, version, trigger, class, scope, author, licence, model, tool, created, .. } = &pack.metadata;
    json!({
        "name": name,
        "version": version.to_string(),
        "trigger": trigger,
        "class": class,
        "scope": scope.to_string(),
        "author": author,
        "licence": licence,
        "model": model,
        "tool": tool,
        "created": created.to_string(),
        "precision": pack.precision.name(),
        "fingerprint": pack.fingerprint,
    })
}
