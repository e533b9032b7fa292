//! Any bytes, as they are and with their checksums mended, read without a base model.
#![no_main]

use cones_core::subjects::pack::Header;
use libfuzzer_sys::fuzz_target;

#[path = "../../src/mend.rs"]
mod mend;

fuzz_target!(|data: &[u8]| {
    let _ = Header::read("fuzz", data);
    let mut bytes = data.to_vec();
    mend::mend(&mut bytes);
    if let Ok(header) = Header::read("fuzz", &bytes) {
        assert!(header.preview.is_none_or(|preview| preview.len() <= 1 << 16));
        assert_eq!(header.fingerprint.to_string().parse(), Ok(header.fingerprint));
    }
});
