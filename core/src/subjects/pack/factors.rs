//! The factors of neurons that are not simply shut, in the order of the neurons.

use half::f16;

use super::bytes::Reader;
use super::precision::Precision;
use crate::error::Result;
use crate::subjects::mask::ConceptMask;

/// Levels of a codebook.
pub(super) const LEVELS: usize = 4;
const CODEBOOK: usize = 2 * LEVELS;

/// Bytes of the section for so many neurons; none where they do not tell.
pub(super) fn bytes(precision: Precision, neurons: u64) -> Option<u64> {
    match precision {
        Precision::Binary => Some(0),
        Precision::Quaternary => Some(CODEBOOK as u64 + neurons.div_ceil(4)),
        Precision::Float16 => Some(neurons.saturating_mul(2)),
        Precision::Float32 => Some(neurons.saturating_mul(4)),
        Precision::LowRank => None,
    }
}

/// The section for a mask. The error says what the precision cannot hold.
pub(super) fn write(mask: &ConceptMask, precision: Precision) -> Result<Vec<u8>, String> {
    if mask.is_binary() != [Precision::Binary, Precision::LowRank].contains(&precision) {
        let has = if mask.is_binary() { "no factors" } else { "factors" };
        return Err(format!("precision is {precision:?} and the mask has {has}"));
    }
    match precision {
        Precision::Binary | Precision::LowRank => Ok(Vec::new()),
        Precision::Quaternary => write_quaternary(mask),
        Precision::Float16 => {
            let halves: Result<Vec<_>, _> = all(mask).map(exact).collect();
            Ok(halves?.into_iter().flat_map(f16::to_le_bytes).collect())
        }
        Precision::Float32 => Ok(all(mask).flat_map(f32::to_le_bytes).collect()),
    }
}

/// Every factor of a mask in order, -0 as 0, of which there is one encoding.
pub(super) fn all(mask: &ConceptMask) -> impl Iterator<Item = f32> + '_ {
    (0..mask.layers()).filter_map(|layer| mask.factors(layer)).flatten().map(|factor| factor + 0.0)
}

fn exact(factor: f32) -> Result<f16, String> {
    let half = f16::from_f32(factor);
    if half.to_f32() == factor { Ok(half) } else { Err(format!("the factor {factor} is not exact in float16")) }
}

fn write_quaternary(mask: &ConceptMask) -> Result<Vec<u8>, String> {
    let mut levels: Vec<f32> = Vec::with_capacity(LEVELS + 1);
    for factor in all(mask) {
        if !levels.contains(&factor) {
            levels.push(factor);
        }
        if levels.len() > LEVELS {
            return Err(format!("the factors have more than {LEVELS} levels"));
        }
    }
    levels.sort_by(f32::total_cmp);
    let mut codebook = levels.iter().map(|level| exact(*level)).collect::<Result<Vec<_>, _>>()?;
    codebook.resize(LEVELS, codebook.last().copied().unwrap_or(f16::ZERO));

    let mut bytes: Vec<u8> = codebook.into_iter().flat_map(f16::to_le_bytes).collect();
    let code = |factor: f32| levels.iter().position(|level| *level == factor).unwrap_or(0) as u8;
    for (i, factor) in all(mask).enumerate() {
        if i % 4 == 0 {
            bytes.push(0);
        }
        if let Some(byte) = bytes.last_mut() {
            *byte |= code(factor) << (2 * (i % 4));
        }
    }
    Ok(bytes)
}

/// Reads the factors of `mask`'s neurons; the section has the right length for them.
pub(super) fn read(mut reader: Reader<'_>, mask: ConceptMask, precision: Precision) -> Result<ConceptMask> {
    let counts: Vec<usize> = (0..mask.layers()).map(|layer| mask.neurons(layer).count()).collect();
    let by_layer = match precision {
        // Low-rank matrices stand where factors would, and are read by themselves.
        Precision::Binary | Precision::LowRank => return Ok(mask),
        Precision::Quaternary => read_quaternary(&mut reader, &counts)?,
        Precision::Float16 => read_each(&mut reader, &counts, |r| r.u16().map(|bits| f16::from_bits(bits).to_f32()))?,
        Precision::Float32 => read_each(&mut reader, &counts, |r| r.u32().map(f32::from_bits))?,
    };
    reader.end()?;
    mask.with_factors(by_layer)
}

fn read_each<'a>(
    reader: &mut Reader<'a>,
    counts: &[usize],
    mut next: impl FnMut(&mut Reader<'a>) -> Result<f32>,
) -> Result<Vec<Vec<f32>>> {
    let mut layer = |count: &usize| {
        let mut factors = Vec::with_capacity(*count);
        for _ in 0..*count {
            let place = reader.place();
            let factor = next(reader)?;
            check(reader, place, factor)?;
            factors.push(factor);
        }
        Ok(factors)
    };
    counts.iter().map(&mut layer).collect()
}

fn check(reader: &Reader<'_>, place: u64, factor: f32) -> Result<()> {
    let negative_zero = factor == 0.0 && factor.is_sign_negative();
    if factor.is_finite() && !negative_zero {
        Ok(())
    } else {
        Err(reader.bad_at(place, format!("hold the value {factor}")))
    }
}

fn read_quaternary(reader: &mut Reader<'_>, counts: &[usize]) -> Result<Vec<Vec<f32>>> {
    let start = reader.place();
    let mut levels = [0.0f32; LEVELS];
    for level in &mut levels {
        let place = reader.place();
        *level = f16::from_bits(reader.u16()?).to_f32();
        check(reader, place, *level)?;
    }
    let mut used = [false; LEVELS];
    let mut codes = Codes { byte: 0, left: 0 };
    let mut by_layer = Vec::with_capacity(counts.len());
    for count in counts {
        let mut factors = Vec::with_capacity(*count);
        for _ in 0..*count {
            let code = codes.next(reader)?;
            if let (Some(level), Some(used)) = (levels.get(code), used.get_mut(code)) {
                *used = true;
                factors.push(*level);
            }
        }
        by_layer.push(factors);
    }
    if codes.byte != 0 {
        return Err(reader.bad_at(reader.place() - 1, "have bits set behind the last"));
    }
    if is_canonical(levels, used) {
        Ok(by_layer)
    } else {
        Err(reader.bad_at(start, "have another codebook than theirs"))
    }
}

/// Levels in use come first and rise; the others repeat the last of them, or are 0 where there is none.
fn is_canonical(levels: [f32; LEVELS], used: [bool; LEVELS]) -> bool {
    let count = used.iter().filter(|used| **used).count();
    let first = used.iter().take(count).all(|used| *used);
    let (inside, behind) = levels.split_at(count);
    let last = inside.last().copied().unwrap_or(0.0);
    first && inside.is_sorted_by(|a, b| a < b) && behind.iter().all(|level| *level == last)
}

/// Two bits at a time, low bits first.
struct Codes {
    byte: u8,
    left: u8,
}

impl Codes {
    fn next(&mut self, reader: &mut Reader<'_>) -> Result<usize> {
        if self.left == 0 {
            self.byte = reader.u8()?;
            self.left = 4;
        }
        let code = self.byte & 3;
        self.byte >>= 2;
        self.left -= 1;
        Ok(usize::from(code))
    }
}
