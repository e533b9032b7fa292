//! What is written is read again, and keeps to the sizes that are promised.

use cones_core::ConceptMask;
use cones_core::subjects::pack::{Header, Pack, Precision, max_bytes};
use cones_tests::packs;
use proptest::prelude::*;

use crate::arbitrary;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 128 } else { 2000 }))]

    #[test]
    fn any_pack_comes_back(pack in arbitrary::pack()) {
        let manifest = arbitrary::manifest();
        let bytes = pack.encode().expect("within the limits");
        prop_assert_eq!(&Pack::decode("test", &bytes, &manifest).expect("whole"), &pack);
        prop_assert!(bytes.len() as u64 <= max_bytes(&manifest.layers));
        prop_assert!(packs::parts(&bytes).expect("whole")[0].start <= 1024);

        let header = Header::read("test", &bytes).expect("whole");
        prop_assert_eq!(header.neurons, pack.mask.count() as u64);
        prop_assert_eq!(
            (header.metadata, header.fingerprint, header.precision, header.preview),
            (pack.metadata, pack.fingerprint, pack.precision, pack.preview)
        );
    }
}

#[test]
fn masks_of_every_density_and_shape() {
    let shapes: [&[(u32, u32)]; 5] =
        [&[(128, 192), (192, 192)], &[(1, 1)], &[(1, 700), (700, 1)], &[(64, 3)], &[(3, 64)]];
    for shapes in shapes {
        let manifest = packs::manifest_of(shapes);
        for share in [0.0, 0.001, 0.01, 0.1, 0.3, 0.4, 0.5, 0.6, 0.9, 0.999, 1.0] {
            for mask in [ConceptMask::random(&manifest.layers, share, 7), packs::structured(&manifest.layers, share, 7)]
            {
                let pack = packs::pack(&manifest, &mask, Precision::Binary);
                let bytes = pack.encode().expect("within the limits");
                assert_eq!(Pack::decode("test", &bytes, &manifest).expect("whole").mask, mask, "{shapes:?} {share}");
                assert!(bytes.len() as u64 <= max_bytes(&manifest.layers), "{shapes:?} {share}");
            }
        }
    }
}

/// Each of them as a set of its own: edges of bytes, words, rows and blocks.
#[test]
fn every_subset_of_a_small_layer() {
    let manifest = packs::manifest_of(&[(2, 6)]);
    for set in 0..1usize << 12 {
        let neurons = (0..12).filter(|i| set >> i & 1 == 1).collect();
        let mask = ConceptMask::from_indices(&manifest.layers, &[neurons]).expect("in range");
        let pack = packs::pack(&manifest, &mask, Precision::Binary);
        let bytes = pack.encode().expect("within the limits");
        assert_eq!(Pack::decode("test", &bytes, &manifest).expect("whole").mask, mask, "{set:b}");
    }
}

#[test]
fn layers_may_differ_in_columns() {
    let manifest = packs::manifest_of(&[(30, 7), (5, 90)]);
    let mask = packs::structured(&manifest.layers, 0.9, 3);
    let pack = packs::pack(&manifest, &mask, Precision::Quaternary);
    let bytes = pack.encode().expect("within the limits");
    assert_eq!(Pack::decode("test", &bytes, &manifest).expect("whole"), pack);
}

#[test]
fn the_subject_is_the_packs() {
    let manifest = packs::manifest();
    let pack = packs::pack(&manifest, &ConceptMask::random(&manifest.layers, 0.01, 1), Precision::Binary);
    let subject = pack.subject();
    assert_eq!((subject.name.as_str(), subject.trigger.as_str()), ("rex", "<v1> dog"));
    assert_eq!(subject.scope, pack.metadata.scope);
    assert_eq!(*subject.mask, pack.mask);
    assert!((subject.strength - 1.0).abs() < f32::EPSILON);
}
