//! The part of a pack that holds its neurons: for each layer of the model their number, then the neurons.

use super::bits::{BitReader, BitWriter, length};
use super::bytes::Reader;
use super::{decode, encode};
use crate::manifest::Layer;
use crate::{ConceptMask, Result};

/// The part for a mask.
pub(super) fn write(mask: &ConceptMask) -> Vec<u8> {
    let mut bits = BitWriter::default();
    for layer in 0..mask.layers() {
        encode::layer(&mut bits, mask.size(layer), mask.columns(layer), mask.neurons(layer));
    }
    bits.finish()
}

/// Reads the part into a mask over `layers`, which is to have as many neurons as the header says.
pub(super) fn read(part: Reader<'_>, layers: &[Layer], neurons: u64) -> Result<ConceptMask> {
    let mut mask = ConceptMask::empty(layers);
    let mut bits = BitReader::new(part);
    let mut total = 0;
    for (index, layer) in layers.iter().enumerate() {
        if let Some(mask) = mask.bits_mut(index) {
            total += decode::layer(&mut bits, layer.columns as usize, mask)?;
        }
    }
    if total != neurons {
        return Err(bits.bad(format!("hold {total} neurons, the header says {neurons}")));
    }
    bits.finish()?;
    Ok(mask)
}

/// The number of a layer's neurons: how many bits it has, then those behind the first.
pub(super) fn write_count(bits: &mut BitWriter, count: u64, most: u64) {
    let own = length(count);
    bits.number(u64::from(own), u64::from(length(most)));
    if own > 1 {
        bits.put(count - (1 << (own - 1)), own - 1);
    }
}

/// Reads the number of a layer's neurons.
pub(super) fn read_count(bits: &mut BitReader<'_>, most: u64) -> Result<u64> {
    let place = bits.place();
    let own = bits.number(u64::from(length(most)))? as u32;
    let count = match own {
        0 => 0,
        _ => 1 << (own - 1) | bits.take(own - 1)?,
    };
    if count <= most {
        Ok(count)
    } else {
        Err(bits.bad_at(place, format!("give a layer of {most} weights {count} neurons")))
    }
}
