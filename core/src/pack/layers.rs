//! The neurons: a directory of the layers that hold any, then each layer's neurons.

use super::bits::{BitReader, BitWriter};
use super::bytes::Reader;
use crate::manifest::Layer;
use crate::{ConceptMask, Result};

/// The section for a mask.
pub(super) fn write(mask: &ConceptMask) -> Result<Vec<u8>, String> {
    let mut directory = Vec::new();
    let mut payload = Vec::new();
    let mut entries = 0u16;
    for layer in 0..mask.layers() {
        let count = mask.neurons(layer).count();
        if count == 0 {
            continue;
        }
        let index = u16::try_from(layer).map_err(|_| format!("layer {layer} is beyond what a pack can name"))?;
        let count32 = u32::try_from(count).map_err(|_| format!("layer {layer} has {count} neurons, too many"))?;
        entries += 1;
        directory.extend(index.to_le_bytes());
        directory.extend(count32.to_le_bytes());
        write_gaps(mask, layer, count, &mut payload);
    }
    Ok([&entries.to_le_bytes(), directory.as_slice(), payload.as_slice()].concat())
}

fn parameter(size: usize, count: usize) -> u32 {
    let mean = size / count.max(1);
    (mean * 11 / 16).max(1).ilog2()
}

fn write_gaps(mask: &ConceptMask, layer: usize, count: usize, payload: &mut Vec<u8>) {
    let low = parameter(mask.size(layer), count);
    let mut writer = BitWriter::new(payload);
    let mut next = 0;
    for neuron in mask.neurons(layer) {
        let gap = (neuron - next) as u64;
        next = neuron + 1;
        writer.unary(gap >> low);
        writer.put(gap & ((1 << low) - 1), low);
    }
    writer.finish();
}

/// Reads the section into a mask over `layers`.
pub(super) fn read(mut reader: Reader<'_>, layers: &[Layer], neurons: u64) -> Result<ConceptMask> {
    let entries = reader.u16()?;
    let mut found = Vec::new();
    let (mut after, mut total) = (0usize, 0u64);
    for _ in 0..entries {
        let place = reader.place();
        let (index, count) = (usize::from(reader.u16()?), u64::from(reader.u32()?));
        let Some(layer) = layers.get(index) else {
            let reason = format!("name layer {index}; the model has {}", layers.len());
            return Err(reader.bad_at(place, reason));
        };
        if index < after {
            return Err(reader.bad_at(place, format!("name layer {index} twice or out of order")));
        }
        let size = u64::from(layer.rows) * u64::from(layer.columns);
        if count == 0 || count > size {
            return Err(reader.bad_at(place + 2, format!("give `{}` {count} neurons of {size}", layer.name)));
        }
        after = index + 1;
        total += count;
        found.push((index, count as usize));
    }
    if total != neurons {
        return Err(reader.bad(format!("hold {total} neurons, the header says {neurons}")));
    }
    let mut mask = ConceptMask::empty(layers);
    for (index, count) in found {
        read_gaps(&mut reader, &mut mask, index, count)?;
    }
    reader.end()?;
    Ok(mask)
}

fn read_gaps(reader: &mut Reader<'_>, mask: &mut ConceptMask, layer: usize, count: usize) -> Result<()> {
    let size = mask.size(layer);
    let low = parameter(size, count);
    let mut bits = BitReader::new(reader);
    let mut next = 0usize;
    for _ in 0..count {
        let high = bits.unary((size - next) as u64 >> low)?;
        let gap = (high << low | bits.take(low)?) as usize;
        let neuron = next + gap;
        if neuron >= size {
            return Err(bits.bad(format!("name neuron {neuron} of layer {layer}, which has {size}")));
        }
        mask.set(layer, neuron, true)?;
        next = neuron + 1;
    }
    bits.finish()
}
