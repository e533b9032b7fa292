//! The factors of a pack of precision `low-rank`: for each layer the two matrices whose product is added to it.

use half::f16;

use super::bytes::Reader;
use crate::error::Result;
use crate::model::manifest::Layer;
use crate::subjects::low_rank::{LowRank, LowRankChange};

/// For each layer its rank (u16, 0 for none); then scale (f32), down and up.
pub(super) fn write(low_rank: &LowRank) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for change in low_rank.changes() {
        let rank = change.map_or(0, |change| change.rank);
        bytes.extend(u16::try_from(rank).map_err(|_| format!("a layer has rank {rank}"))?.to_le_bytes());
        if let Some(change) = change {
            // Adding zero turns -0 into 0, of which there is one encoding.
            bytes.extend((change.scale + 0.0).to_le_bytes());
            let values = change.down.iter().chain(&change.up);
            bytes.extend(values.flat_map(|value| (*value + f16::ZERO).to_le_bytes()));
        }
    }
    Ok(bytes)
}

/// The whole section. Nothing larger than what it holds is allocated.
pub(super) fn read(mut reader: Reader<'_>, layers: &[Layer]) -> Result<LowRank> {
    let mut changes = Vec::new();
    for layer in layers {
        let place = reader.place();
        let rank = usize::from(reader.u16()?);
        if rank > LowRankChange::most(layer) {
            let (rows, columns) = (layer.rows, layer.columns);
            return Err(reader.bad_at(place, format!("give a layer of {rows} x {columns} rank {rank}")));
        }
        changes.push(if rank == 0 { None } else { Some(change(&mut reader, layer, rank)?) });
    }
    reader.end()?;
    LowRank::new(layers, changes).map_err(|_| reader.bad("change no layer"))
}

fn change(reader: &mut Reader<'_>, layer: &Layer, rank: usize) -> Result<LowRankChange> {
    let place = reader.place();
    let scale = f32::from_bits(reader.u32()?);
    if !scale.is_finite() || scale.to_bits() == (-0.0f32).to_bits() {
        return Err(reader.bad_at(place, format!("hold the value {scale}")));
    }
    // Not more than 65,535 by 2^32.
    let down = values(reader, rank.saturating_mul(layer.columns as usize))?;
    let up = values(reader, rank.saturating_mul(layer.rows as usize))?;
    Ok(LowRankChange { rank, scale, down, up })
}

fn values(reader: &mut Reader<'_>, count: usize) -> Result<Vec<f16>> {
    let start = reader.place();
    let halves = reader.take(count.saturating_mul(2))?.as_chunks().0;
    let values: Vec<f16> = halves.iter().map(|pair| f16::from_le_bytes(*pair)).collect();
    let odd = |value: &f16| !value.is_finite() || value.to_bits() == f16::NEG_ZERO.to_bits();
    match values.iter().position(odd) {
        Some(at) => {
            let value = values.get(at).copied().unwrap_or_default();
            Err(reader.bad_at(start + 2 * at as u64, format!("hold the value {value}")))
        }
        None => Ok(values),
    }
}
