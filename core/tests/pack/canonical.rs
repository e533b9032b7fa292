//! One pack has one encoding: what is read can only have been written so.

use cones_core::subjects::pack::{Pack, Precision};
use cones_tests::packs;
use proptest::prelude::*;

use crate::arbitrary;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 256 } else { 4000 }))]

    /// Bits are turned in any pack and the checksums mended.
    #[test]
    fn what_decodes_encodes_to_the_same_bytes(
        pack in arbitrary::pack(),
        turns in proptest::collection::vec(any::<(prop::sample::Index, u8)>(), 1..4),
    ) {
        let manifest = arbitrary::manifest();
        let mut bytes = pack.encode().expect("within the limits");
        for (place, bit) in turns {
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << (bit % 8);
        }
        packs::mend(&mut bytes);
        if let Ok(other) = Pack::decode("test", &bytes, &manifest) {
            prop_assert!(other.mask.fits(&manifest.layers));
            prop_assert!(other.low_rank.as_ref().is_none_or(|low_rank| low_rank.fits(&manifest.layers)));
            prop_assert_eq!(other.encode().expect("was read"), bytes);
        }
    }
}

/// Every single bit of the neurons' part: almost none of its neighbours is a code at all.
#[test]
fn neighbours_of_a_code_are_other_masks_or_errors() {
    let manifest = packs::manifest_of(&[(32, 24), (48, 24)]);
    let mask = packs::crossed(&manifest.layers, 0.4, 5);
    let bytes = packs::pack(&manifest, &mask, Precision::Binary).encode().expect("within the limits");
    let part = packs::parts(&bytes).expect("whole")[1].clone();
    let (mut others, mut errors) = (0, 0);
    for bit in 8 * part.start..8 * part.end {
        let mut turned = bytes.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        packs::mend(&mut turned);
        match Pack::decode("test", &turned, &manifest) {
            Ok(other) => {
                assert_ne!(other.mask, mask, "bit {bit}");
                assert_eq!(other.encode().expect("was read"), turned, "bit {bit}");
                others += 1;
            }
            Err(_) => errors += 1,
        }
    }
    assert!(others > 0 && errors > 0, "{others} other masks, {errors} errors");
}

#[test]
fn negative_zero_is_written_as_zero() {
    let manifest = packs::manifest_of(&[(4, 4)]);
    let mask = cones_core::ConceptMask::from_indices(&manifest.layers, &[vec![3, 9]]).expect("in range");
    for precision in [Precision::Quaternary, Precision::Float16, Precision::Float32] {
        let write = |zero: f32| {
            let mut pack = packs::pack(&manifest, &mask, precision);
            pack.mask = mask.clone().with_factors(vec![vec![zero, 1.0]]).expect("one each");
            pack.encode().expect("within the limits")
        };
        assert_eq!(write(0.0), write(-0.0), "{precision:?}");
    }
}
