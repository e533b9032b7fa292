//! The part of a pack that holds its neurons: for each layer of the model their number, then the neurons.

use super::bits::{BitReader, BitWriter, length};
use super::bytes::Reader;
use super::split::LINES;
use super::{decode, encode};
use crate::manifest::Layer;
use crate::{ConceptMask, Result};

/// The part for a mask.
pub(super) fn write(mask: &ConceptMask) -> Result<Vec<u8>, String> {
    let mut bits = BitWriter::default();
    for layer in 0..mask.layers() {
        let (size, columns) = (mask.size(layer), mask.columns(layer).max(1));
        check(size / columns, columns)?;
        encode::layer(&mut bits, size, columns, mask.neurons(layer));
    }
    Ok(bits.finish())
}

/// Reads the part into a mask over `layers`, which is to have as many neurons as the header says.
pub(super) fn read(part: Reader<'_>, layers: &[Layer], neurons: u64) -> Result<ConceptMask> {
    let shape = |layer: &Layer| (layer.rows as usize, layer.columns as usize);
    for (rows, columns) in layers.iter().map(shape) {
        check(rows, columns).map_err(|reason| part.bad(reason))?;
    }
    let mut mask = ConceptMask::empty(layers);
    let mut bits = BitReader::new(part);
    let mut total = 0;
    for (index, (rows, columns)) in layers.iter().map(shape).enumerate() {
        if let Some(words) = mask.words_mut(index) {
            total += decode::layer(&mut bits, rows, columns, words)?;
        }
    }
    if total != neurons {
        return Err(bits.bad(format!("hold {total} neurons, the header says {neurons}")));
    }
    bits.finish()?;
    Ok(mask)
}

/// The code's arithmetic holds for layers that are not larger than any that there is.
fn check(rows: usize, columns: usize) -> Result<(), String> {
    if rows <= LINES && columns <= LINES {
        Ok(())
    } else {
        Err(format!("cannot be of a layer of {rows} x {columns}; the most is {LINES} x {LINES}"))
    }
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
