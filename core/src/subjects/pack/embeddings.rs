//! Learned embeddings of the trigger's tokens.

use half::f16;

use super::bytes::Reader;
use crate::error::Result;

/// What is learned of the trigger's tokens (Textual Inversion, Gal et al. 2022), `tokens × width`, row-major: for each
/// token of the trigger what is added to the text encoder's own embedding of it at full strength. The difference, not
/// the embedding itself, so that a strength between 0 and 1 lies between the two, and 0 is exact. Rows of tokens of
/// which nothing was learned, as those of the class word, are zero.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenEmbeddings {
    /// Width of the text encoder's token embedding.
    pub width: u32,
    /// `tokens * width` values; as many tokens as the base model's tokenizer makes of the trigger.
    pub values: Vec<f16>,
}

/// The most tokens that a trigger's embeddings may have: CLIP's whole prompt.
pub(super) const TOKENS: usize = 77;
/// The widest token embedding; those of the largest text encoders for Stable Diffusion have 1280.
pub(super) const WIDTH: u32 = 4096;
/// The most bytes of the section.
pub(super) const LIMIT: usize = 4 + 2 * TOKENS * WIDTH as usize;

/// Width (u32), then the values.
pub(super) fn write(embeddings: &TokenEmbeddings) -> Result<Vec<u8>, String> {
    let (width, count) = (embeddings.width, embeddings.values.len());
    if !(1..=WIDTH).contains(&width) {
        return Err(format!("are {width} wide; they may be 1 to {WIDTH}"));
    }
    if count == 0 || !count.is_multiple_of(width as usize) || count / width as usize > TOKENS {
        return Err(format!("have {count} values; that is not 1 to {TOKENS} tokens of {width}"));
    }
    if let Some(value) = embeddings.values.iter().find(|v| !v.is_finite()) {
        return Err(format!("hold the value {value}"));
    }
    let mut bytes = width.to_le_bytes().to_vec();
    // Adding zero turns -0 into 0, of which there is one encoding.
    bytes.extend(embeddings.values.iter().flat_map(|value| (*value + f16::ZERO).to_le_bytes()));
    Ok(bytes)
}

/// The whole section.
pub(super) fn read(mut reader: Reader<'_>) -> Result<TokenEmbeddings> {
    let width = reader.u32()?;
    if !(1..=WIDTH).contains(&width) {
        return Err(reader.bad_at(reader.place() - 4, format!("are {width} wide; they may be 1 to {WIDTH}")));
    }
    let (count, wide) = (reader.left() / 2, width as usize);
    if count == 0 || !reader.left().is_multiple_of(2 * wide) || count / wide > TOKENS {
        let reason = format!("have {} bytes of values; that is not 1 to {TOKENS} tokens of {width}", reader.left());
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
    Ok(TokenEmbeddings { width, values })
}
