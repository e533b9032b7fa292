//! Checksums of the parts of a pack: they find damage. Forgery is for the catalogue's signature to find.

use sha2::{Digest, Sha256};

/// Bytes of a checksum.
pub(super) const BYTES: usize = 8;

/// The first bytes of the SHA-256 of a part.
pub(super) fn checksum(part: &[u8]) -> [u8; BYTES] {
    let mut sum = [0; BYTES];
    for (to, from) in sum.iter_mut().zip(Sha256::digest(part)) {
        *to = from;
    }
    sum
}
