//! What is written is read again.

use cones_core::pack::{Header, Metadata, Pack, Precision};
use cones_core::{ConceptMask, Scope};
use cones_tests::base;

fn pack(mask: ConceptMask, precision: Precision) -> Pack {
    let metadata = Metadata {
        name: "rex".into(),
        version: 1,
        trigger: "<v1> dog".into(),
        class: "dog".into(),
        scope: Scope::Trigger,
        author: "somebody".into(),
        licence: "MIT".into(),
        model: "toybox".into(),
        tool: "test".into(),
        created: 1_750_000_000,
    };
    let fingerprint = base::bundle().manifest().fingerprint.clone();
    Pack { metadata, fingerprint, mask, precision, preview: None, embeddings: None }
}

#[test]
fn masks_of_every_density() {
    let bundle = base::bundle();
    let manifest = bundle.manifest();
    for share in [0.0, 0.001, 0.01, 0.2, 0.9, 1.0] {
        let pack = pack(ConceptMask::random(&manifest.layers, share, 7), Precision::Binary);
        let bytes = pack.encode().expect("within limits");
        assert_eq!(Pack::decode("test", &bytes, manifest).expect("whole"), pack);
        let header = Header::read("test", &bytes).expect("whole");
        assert_eq!(header.neurons, pack.mask.count() as u64);
        assert_eq!(header.metadata, pack.metadata);
    }
}
