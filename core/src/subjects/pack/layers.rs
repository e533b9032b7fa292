//! The part of a pack that holds its neurons: for each layer of the model their number, then the neurons.

use super::bits::{BitReader, BitWriter};
use super::bytes::Reader;
use super::split::LINES;
use super::{decode, encode};
use crate::error::Result;
use crate::model::manifest::Layer;
use crate::subjects::mask::ConceptMask;

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
