//! Properties: whatever is written into a bundle, nothing panics.

use cones_core::model::bundle::{ATTENTION, MANIFEST, TOKENIZER};
use cones_core::text::tokenizer::Tokenizer;
use cones_core::{Bundle, Error};
use cones_tests::hostile::Copy;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::draw;

/// Every number of the manifest, as a JSON pointer.
fn numbers(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(place.to_owned()),
        Value::Object(fields) => fields.iter().for_each(|(key, v)| numbers(v, &format!("{place}/{key}"), found)),
        // The first of a list stands for the others.
        Value::Array(items) => items.iter().take(1).for_each(|v| numbers(v, &format!("{place}/0"), found)),
        _ => {}
    }
}

#[test]
fn no_number_of_the_manifest_brings_anything_down() {
    let manifest = Copy::new().manifest();
    let mut places = Vec::new();
    numbers(&manifest, "", &mut places);
    let mut drawn = 0;
    for place in places {
        for value in
            [json!(0), json!(1), json!(2), json!(1 << 16), json!(u32::MAX), json!(-1), json!(1e308), json!(0.5)]
        {
            let copy = Copy::new();
            copy.edit(|m| *m.pointer_mut(&place).expect("a number") = value.clone());
            if Bundle::open(copy.path()).is_ok() {
                drawn += 1;
                if let Err(error) = draw(copy.path()) {
                    println!("{place} = {value}: {}", error.to_string().lines().next().unwrap_or_default());
                }
            }
        }
    }
    println!("{drawn} changed manifests were drawn with");
}

/// `bytes` with some of them changed, and perhaps cut.
fn corrupted(bytes: &[u8], changes: &[(prop::sample::Index, u8)], cut: Option<prop::sample::Index>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, value) in changes {
        let place = place.index(bytes.len());
        bytes[place] = *value;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
}

/// Values that may stand where others are expected, the types of every part that `tokenizers` knows among them.
fn any_value() -> impl Strategy<Value = serde_json::Value> {
    let kinds = [
        "BPE",
        "WordPiece",
        "WordLevel",
        "Unigram",
        "Precompiled",
        "Sequence",
        "Replace",
        "Prepend",
        "ByteLevel",
        "Metaspace",
        "CTC",
        "Fuse",
        "Strip",
        "ByteFallback",
        "Split",
        "Digits",
        "TemplateProcessing",
        "BertProcessing",
        "NFC",
        "StripAccents",
    ];
    let named = prop::sample::select(kinds.to_vec());
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
        named.clone().prop_map(Into::into),
        named.clone().prop_map(|kind| serde_json::json!({"type": kind})),
        named.prop_map(|kind| serde_json::json!({"type": "Sequence", "normalizers": [{"type": kind}], "decoders": [{"type": kind}]})),
        Just(serde_json::json!([])),
        Just(serde_json::json!({})),
    ]
}

/// Every place of a document but those inside the vocabulary and the merges, of which the first ten stand for all.
fn pointers(whole: &serde_json::Value) -> Vec<String> {
    fn walk(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            serde_json::Value::Object(map) => {
                for (key, value) in map.iter().take(10) {
                    walk(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
                }
            }
            serde_json::Value::Array(list) => {
                for (i, value) in list.iter().enumerate().take(10) {
                    walk(value, &format!("{at}/{i}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(whole, "", &mut found);
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_corrupted_manifest_never_panics(changes in changes(), cut in prop::option::weighted(0.1, any::<prop::sample::Index>())) {
        let copy = Copy::new();
        copy.write(MANIFEST, corrupted(&copy.read(MANIFEST), &changes, cut));
        if let Err(error) = Bundle::open(copy.path()) {
            prop_assert!(matches!(error, Error::BadBundle { .. }), "{error}");
        }
    }

    #[test]
    fn a_corrupted_header_of_the_weights_never_panics(changes in changes()) {
        let copy = Copy::new();
        let whole = copy.read(ATTENTION);
        let header = 8 + u64::from_le_bytes(whole[..8].try_into().expect("8 bytes")) as usize;
        let head = corrupted(&whole[..header], &changes, None);
        copy.write(ATTENTION, [&head, &whole[header..]].concat());
        match Bundle::open(copy.path()) {
            // What still opens can be read from end to end.
            Ok(bundle) => drop(bundle.attention().fingerprint()),
            Err(error) => prop_assert!(matches!(error, Error::BadBundle { .. }), "{error}"),
        }
    }

    #[test]
    fn a_tokenizer_with_another_value_in_it_never_panics(at in any::<prop::sample::Index>(), value in any_value()) {
        let copy = Copy::new();
        let text = Bundle::open(copy.path()).expect("a bundle").manifest().text;
        let mut whole: serde_json::Value = serde_json::from_slice(&copy.read(TOKENIZER)).expect("JSON");
        let places = pointers(&whole);
        *whole.pointer_mut(&places[at.index(places.len())]).expect("a place of its own") = value;
        copy.write(TOKENIZER, whole.to_string().into_bytes());
        match Tokenizer::open(&copy.file(TOKENIZER), text) {
            Ok(tokenizer) => drop(tokenizer.encode("a <v1> dog's apple 🐶")),
            Err(error) => prop_assert!(matches!(error, Error::BadBundle { .. }), "{error}"),
        }
    }

    #[test]
    fn a_corrupted_tokenizer_never_panics(changes in changes(), cut in prop::option::weighted(0.1, any::<prop::sample::Index>())) {
        let copy = Copy::new();
        let text = Bundle::open(copy.path()).expect("a bundle").manifest().text;
        copy.write(TOKENIZER, corrupted(&copy.read(TOKENIZER), &changes, cut));
        match Tokenizer::open(&copy.file(TOKENIZER), text) {
            Ok(tokenizer) => drop(tokenizer.encode("a <v1> dog's apple 🐶")),
            Err(error) => prop_assert!(matches!(error, Error::BadBundle { .. }), "{error}"),
        }
    }
}
