//! Any bytes, as they are and with their checksums mended, read without a base model.

use cones_core::subjects::pack::Header;
use cones_tests::mend;

/// A header keeps to the format's bounds.
pub fn feed(data: &[u8]) {
    let _ = Header::read("fuzz", data);
    let mut bytes = data.to_vec();
    mend::mend(&mut bytes);
    if let Ok(header) = Header::read("fuzz", &bytes) {
        assert!(header.preview.is_none_or(|preview| preview.len() <= 1 << 16));
        assert_eq!(header.fingerprint.to_string().parse(), Ok(header.fingerprint));
    }
}
