//! Any bytes with their checksums mended: refused, or a pack that can only have been written so.

use std::sync::LazyLock;

use cones_core::Pack;
use cones_core::model::manifest::{Layer, Manifest};
use cones_core::subjects::pack::Header;
use cones_tests::mend;

/// The made-up model of `core/tests/pack/million.rs`, for which the corpus is.
static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    let json = include_str!("../../../models/toybox/bundle/bundle.json");
    let mut manifest: Manifest = serde_json::from_str(json).expect("is a manifest");
    let layer = |rows| Layer { name: format!("of.{rows}"), rows, columns: 10 };
    manifest.layers = [12, 20, 7].map(layer).into();
    manifest.fingerprint = "0123456789abcdef".repeat(4).parse().expect("64 digits");
    manifest
});

/// A pack is one only as it would be written again.
pub fn feed(data: &[u8]) {
    let mut bytes = data.to_vec();
    mend::mend(&mut bytes);
    if let Ok(pack) = Pack::decode("fuzz", &bytes, &MANIFEST) {
        assert!(pack.mask.fits(&MANIFEST.layers));
        assert!(pack.low_rank.as_ref().is_none_or(|low_rank| low_rank.fits(&MANIFEST.layers)));
        assert_eq!(pack.encode().expect("was read"), bytes);
        assert_eq!(Header::read("fuzz", &bytes).expect("was read").neurons, pack.mask.count() as u64);
    }
}
