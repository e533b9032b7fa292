//! The checksums of a pack, written anew after it was damaged. The fuzz targets take this file in as it is.

use sha2::{Digest, Sha256};

/// Where the header gives its own length.
pub const HEADER_LENGTH: usize = 10;
/// Where the header lists its parts: for each a length (u32) and a checksum of [`SUM`] bytes.
pub const PARTS: usize = 66;
/// Bytes of a checksum.
pub const SUM: usize = 8;
/// Where the texts begin.
pub const TEXTS: usize = 114;

/// The parts' places in the file, as the header gives them: preview, layers, factors, embeddings.
pub fn parts(bytes: &[u8]) -> Option<[std::ops::Range<usize>; 4]> {
    let number = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let header = usize::from(u16::from_le_bytes(bytes.get(HEADER_LENGTH..HEADER_LENGTH + 2)?.try_into().ok()?));
    let mut start = header;
    let mut part = |i: usize| {
        let end = start.checked_add(number(PARTS + i * (4 + SUM))? as usize)?;
        let range = start..end;
        start = end;
        Some(range)
    };
    Some([part(0)?, part(1)?, part(2)?, part(3)?])
}

/// Writes every checksum anew, so that what was changed is looked at and not found damaged. Does what it can with a
/// file whose lengths are wrong.
pub fn mend(bytes: &mut [u8]) {
    for (i, part) in parts(bytes).into_iter().flatten().enumerate() {
        let at = PARTS + i * (4 + SUM) + 4;
        let sum = bytes.get(part).map(sum);
        if let (Some(sum), Some(place)) = (sum, bytes.get_mut(at..at + SUM)) {
            place.copy_from_slice(&sum);
        }
    }
    let Some(length) = bytes.get(HEADER_LENGTH..HEADER_LENGTH + 2) else { return };
    let end = usize::from(u16::from_le_bytes([length[0], length[1]]));
    if end >= TEXTS + SUM && end <= bytes.len() {
        let sum = sum(&bytes[..end - SUM]);
        bytes[end - SUM..end].copy_from_slice(&sum);
    }
}

fn sum(bytes: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    sum.copy_from_slice(&Sha256::digest(bytes)[..SUM]);
    sum
}
