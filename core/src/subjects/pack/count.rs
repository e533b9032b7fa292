//! How many neurons a layer has, in as many bits as that takes.

use crate::error::Result;

use super::bits::{BitReader, BitWriter, length};

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
