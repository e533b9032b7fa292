//! Damage is found and named, wherever it is. Forged files are in `tests/hostile`.

use cones_core::model::manifest::Manifest;
use cones_core::subjects::pack::{Header, Pack, Precision, TokenEmbeddings};
use cones_core::{Error, Sha256};
use cones_tests::packs;
use half::f16;

/// A pack with every part.
fn pack(manifest: &Manifest) -> Vec<u8> {
    let mask = packs::structured(&manifest.layers, 0.5, 1);
    let mut pack = packs::pack(manifest, &mask, Precision::Quaternary);
    pack.preview = Some(include_bytes!("../../../tests/hostile/preview.png").to_vec());
    pack.embeddings = Some(TokenEmbeddings { width: 4, values: vec![f16::from_f32(0.5); 8], in_place: false });
    pack.encode().expect("within the limits")
}

fn both(bytes: &[u8], manifest: &Manifest) -> [Error; 2] {
    let whole = Pack::decode("rex.cones", bytes, manifest).expect_err("is damaged");
    [whole, Header::read("rex.cones", bytes).expect_err("is damaged")]
}

#[test]
fn every_turned_bit_is_found_where_it_is() {
    let manifest = packs::manifest_of(&[(16, 12), (24, 12)]);
    let bytes = pack(&manifest);
    let [preview, layers, factors, embeddings] = packs::parts(&bytes).expect("whole");
    let named = [(0..preview.start, "header"), (preview, "preview"), (layers, "layers"), (factors, "factors")];
    for (range, name) in named.into_iter().chain([(embeddings, "embeddings")]) {
        assert!(!range.is_empty(), "{name}");
        for bit in 8 * range.start..8 * range.end {
            let mut turned = bytes.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            for error in both(&turned, &manifest) {
                let Error::BadPack { pack, reason, at: Some(at), hint, .. } = error else { panic!("{error}") };
                assert_eq!(pack, "rex.cones");
                assert!(!hint.is_empty());
                // Where the header is given another length, the end of the file may be what is wrong.
                let length = 8 * packs::HEADER_LENGTH..8 * packs::HEADER_LENGTH + 16;
                let inside = range.contains(&(at as usize)) || length.contains(&bit) && at as usize == bytes.len();
                assert!(inside, "bit {bit} of the {name}: {reason} at {at}");
                // The first bytes say that it is no pack, or of a newer version.
                assert!(bit < 96 || reason.contains(name), "bit {bit} of the {name}: {reason}");
            }
        }
    }
}

#[test]
fn every_shorter_and_longer_file_is_refused() {
    let manifest = packs::manifest_of(&[(16, 12), (24, 12)]);
    let bytes = pack(&manifest);
    for end in 0..bytes.len() {
        for error in both(&bytes[..end], &manifest) {
            let Error::BadPack { reason, at: Some(at), .. } = error else { panic!("{error}") };
            assert!(at <= end as u64, "{end}: {reason} at {at}");
            assert!(end < 12 || reason.contains("cut off"), "{end}: {reason}");
        }
    }
    for error in both(&[bytes.as_slice(), b"x"].concat(), &manifest) {
        assert!(error.to_string().contains("1 trailing byte"), "{error}");
        assert!(error.to_string().contains(&format!("at byte {}", bytes.len())), "{error}");
    }
}

#[test]
fn another_models_pack_is_said_to_be_that_even_where_the_layers_differ() {
    let (mine, mut theirs) = (packs::manifest_of(&[(16, 12)]), packs::manifest_of(&[(16, 12), (24, 12)]));
    theirs.fingerprint = Sha256::digest("theirs");
    theirs.name = "their-model".into();
    let error = Pack::decode("rex.cones", &pack(&theirs), &mine).expect_err("is for another model");
    assert!(matches!(&error, Error::WrongModel { subject, .. } if subject == "rex"), "{error:?}");
    for part in ["their-model", &theirs.fingerprint.to_string(), &mine.name, &mine.fingerprint.to_string()] {
        assert!(error.to_string().contains(part), "{error}");
    }
    let header = Header::read("rex.cones", &pack(&theirs)).expect("whole");
    assert_eq!(header.fingerprint, theirs.fingerprint);
}
