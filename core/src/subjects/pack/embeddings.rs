//! Learned embeddings of the trigger's tokens.

use half::f16;

use super::bytes::Reader;
use super::version::OLDEST;
use crate::error::Result;

/// What is learned of the trigger's tokens (Textual Inversion, Gal et al. 2022), `tokens × width`, row-major: for each
/// token of the trigger what is added to the text encoder's own embedding of it at full strength. The difference, not
/// the embedding itself, so that a strength between 0 and 1 lies between the two, and 0 is exact. Rows of tokens of
/// which nothing was learned, as those of the class word, are zero.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenEmbeddings {
    /// Width of the text encoder's token embedding.
    pub width: u32,
    /// `tokens * width` values; as many tokens as the base model's tokenizer makes of the trigger, or any number of them where
    /// they stand in its place.
    pub values: Vec<f16>,
    /// Whether they stand in the place of the trigger, however many they are: it then counts as that many tokens. What a row
    /// is the difference to is the trigger's token of the same place, or its last one where it has no more.
    pub in_place: bool,
}

/// The most tokens that a trigger's embeddings may have: CLIP's whole prompt.
pub(super) const TOKENS: usize = 77;
/// The widest token embedding; those of the largest text encoders for Stable Diffusion have 1280.
pub(super) const WIDTH: u32 = 4096;
/// The most bytes of the section.
pub(super) const LIMIT: usize = 4 + 2 * TOKENS * WIDTH as usize;

/// The most tokens that may stand in a trigger's place: CLIP's prompt without its start and end.
pub(super) const IN_PLACE: usize = TOKENS - 2;

/// Width (u16) and kind (u16: 0 of the trigger's tokens, 1 in its place), then the values.
pub(super) fn write(embeddings: &TokenEmbeddings) -> Result<Vec<u8>, String> {
    let (width, count) = (embeddings.width, embeddings.values.len());
    if !(1..=WIDTH).contains(&width) {
        return Err(format!("are {width} wide; they may be 1 to {WIDTH}"));
    }
    let most = most(embeddings.in_place);
    if count == 0 || !count.is_multiple_of(width as usize) || count / width as usize > most {
        return Err(format!("have {count} values; that is not 1 to {most} tokens of {width}"));
    }
    if let Some(value) = embeddings.values.iter().find(|v| !v.is_finite()) {
        return Err(format!("hold the value {value}"));
    }
    // The width leaves the upper half of its four bytes free.
    let mut bytes = (width | u32::from(embeddings.in_place) << 16).to_le_bytes().to_vec();
    // Adding zero turns -0 into 0, of which there is one encoding.
    bytes.extend(embeddings.values.iter().flat_map(|value| (*value + f16::ZERO).to_le_bytes()));
    Ok(bytes)
}

fn most(in_place: bool) -> usize {
    if in_place { IN_PLACE } else { TOKENS }
}

/// The whole section of a pack of this version of the format.
pub(super) fn read(mut reader: Reader<'_>, version: u16) -> Result<TokenEmbeddings> {
    let word = reader.u32()?;
    // Version 2 is for nothing else, and there is one encoding of a pack.
    let in_place = version > OLDEST;
    let width = if in_place && word >> 16 == 1 { word & 0xffff } else { word };
    if in_place && word >> 16 != 1 {
        return Err(reader.bad_at(reader.place() - 4, format!("are of the unknown kind {}", word >> 16)));
    }
    if !(1..=WIDTH).contains(&width) {
        return Err(reader.bad_at(reader.place() - 4, format!("are {width} wide; they may be 1 to {WIDTH}")));
    }
    let (count, wide) = (reader.left() / 2, width as usize);
    if count == 0 || !reader.left().is_multiple_of(2 * wide) || count / wide > most(in_place) {
        let (bytes, most) = (reader.left(), most(in_place));
        let reason = format!("have {bytes} bytes of values; that is not 1 to {most} tokens of {width}");
        return Err(reader.bad(reason));
    }
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let value = f16::from_bits(reader.u16()?);
        if !value.is_finite() || value.to_bits() == f16::NEG_ZERO.to_bits() {
            return Err(reader.bad_at(reader.place() - 2, format!("hold the value {value}")));
        }
        values.push(value);
    }
    Ok(TokenEmbeddings { width, values, in_place })
}
