//! Damaged and foreign bundles are errors that name the file; nothing panics, nothing else happens.

use std::path::Path;

use cones_core::bundle::{ATTENTION, MANIFEST, TEXT_ENCODER, TOKENIZER, UNET, VAE_DECODER, VAE_ENCODER};
use cones_core::tokenizer::Tokenizer;
use cones_core::{Bundle, CancelToken, Engine, Error, Init, Picture, Request, Result};
use cones_tests::base;
use cones_tests::hostile::Copy;
use proptest::prelude::*;
use serde_json::{Value, json};

/// `result` is a bad bundle, blamed on `file`, for a reason that holds `reason`.
fn blamed<T>(result: Result<T>, file: &str, reason: &str) {
    match result {
        Err(error @ Error::BadBundle { .. }) => {
            let text = error.to_string();
            println!("{}", text.lines().next().unwrap_or_default());
            let Error::BadBundle { path, hint, .. } = error else { unreachable!() };
            assert!(path.ends_with(file), "{file} is at fault: {text}");
            assert!(text.contains(reason), "`{reason}`: {text}");
            assert!(!hint.is_empty());
        }
        Err(other) => panic!("{file}: {other}"),
        Ok(_) => panic!("{file} was accepted"),
    }
}

/// The smallest request that runs every graph.
fn draw(folder: &Path) -> Result<()> {
    let mut engine = Engine::new(Bundle::open(folder)?, base::options())?;
    let mut request = Request::new("a dog");
    request.steps = Some(1);
    (request.width, request.height) = (Some(64), Some(64));
    request.init = Some(Init { picture: Picture { width: 1, height: 1, rgb: vec![9; 3] }, strength: 1.0 });
    engine.generate(&request, &mut (), &CancelToken::new()).map(drop)
}

/// What opening says of a manifest after `change`.
fn opened(change: impl FnOnce(&mut Value)) -> Result<Bundle> {
    let copy = Copy::new();
    copy.edit(change);
    Bundle::open(copy.path())
}

#[test]
fn an_undamaged_copy_is_whole() {
    let copy = Copy::new();
    let bundle = Bundle::open(copy.path()).expect("a bundle");
    bundle.verify().expect("an undamaged bundle");
    draw(copy.path()).expect("a picture");
}

#[test]
fn a_folder_that_is_none_is_named() {
    blamed(Bundle::open("no/such/folder"), MANIFEST, "cannot open");
    blamed(Bundle::open(""), MANIFEST, "cannot open");
    blamed(Bundle::open(base::folder().join(MANIFEST)), MANIFEST, "cannot open");
}

#[test]
fn a_missing_file_is_named() {
    let names: Vec<String> = base::bundle().manifest().files.keys().cloned().collect();
    for name in names.iter().map(String::as_str).chain([MANIFEST]) {
        let copy = Copy::new();
        copy.remove(name);
        blamed(Bundle::open(copy.path()), name, "");
    }
}

#[test]
fn a_truncated_or_longer_file_is_named() {
    let names: Vec<String> = base::bundle().manifest().files.keys().cloned().collect();
    for name in &names {
        let copy = Copy::new();
        let whole = copy.read(name);
        copy.write(name, &whole[..whole.len() - 1]);
        blamed(Bundle::open(copy.path()), name, "incomplete");
        copy.write(name, []);
        blamed(Bundle::open(copy.path()), name, "0 bytes");
        copy.write(name, [whole.as_slice(), b"x"].concat());
        blamed(Bundle::open(copy.path()), name, "");
    }
}

#[test]
fn a_folder_in_place_of_a_file_is_named() {
    let copy = Copy::new();
    copy.remove(TOKENIZER);
    std::fs::create_dir(copy.file(TOKENIZER)).expect("a folder");
    assert!(Bundle::open(copy.path()).is_err() || draw(copy.path()).is_err());
}

#[test]
fn a_flipped_byte_is_found_by_verify() {
    let names: Vec<String> = base::bundle().manifest().files.keys().cloned().collect();
    for name in &names {
        let copy = Copy::new();
        let mut bytes = copy.read(name);
        // The last byte: of weights, or of the tokenizer's closing brace.
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        copy.write(name, bytes);
        let bundle = Bundle::open(copy.path()).expect("sizes are right");
        blamed(bundle.verify(), name, "SHA-256");
    }
}

#[test]
fn changed_weights_with_a_right_hash_are_found_by_their_fingerprint() {
    let copy = Copy::new();
    let mut bytes = copy.read(ATTENTION);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    copy.replace(ATTENTION, bytes);
    blamed(Bundle::open(copy.path()).expect("a bundle").verify(), ATTENTION, "fingerprint");
}

#[test]
fn a_manifest_that_is_none_is_named() {
    let copy = Copy::new();
    let whole = copy.read(MANIFEST);
    let deep = "[".repeat(1 << 20);
    let bad: [&[u8]; 10] = [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"\"\"",
        b"{\"schema\": 1}",
        b"\xff\xfe",
        deep.as_bytes(),
        &whole[..whole.len() / 2],
        b"\0",
    ];
    for content in bad {
        copy.write(MANIFEST, content);
        blamed(Bundle::open(copy.path()), MANIFEST, "");
    }
    copy.write(MANIFEST, vec![b' '; (4 << 20) + 1]);
    blamed(Bundle::open(copy.path()), MANIFEST, "longer than");
}

#[test]
fn another_schema_is_said_before_anything_else() {
    blamed(
        opened(|m| {
            m["schema"] = json!(2);
            m["from the future"] = json!({});
        }),
        MANIFEST,
        "update this software",
    );
    blamed(opened(|m| m["schema"] = json!(0)), MANIFEST, "cones import");
    blamed(opened(|m| m["schema"] = json!(-1)), MANIFEST, "");
    blamed(opened(|m| m["schema"] = json!("1")), MANIFEST, "");
}

#[test]
fn unknown_and_missing_fields_are_named() {
    blamed(opened(|m| m["extra"] = json!(1)), MANIFEST, "extra");
    blamed(opened(|m| m["latent"]["extra"] = json!(1)), MANIFEST, "extra");
    let manifest = Copy::new().manifest();
    for field in manifest.as_object().expect("an object").keys().filter(|f| *f != "preview") {
        let missing = opened(|m| drop(m.as_object_mut().expect("an object").remove(field)));
        blamed(missing, MANIFEST, field);
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let outside = ["../bundle.json", "/etc/hostname", "a/b", "..", ".", "", "C:\\x", "a\\b", "\0", ".hidden", "é"];
    for name in outside {
        let result = opened(|m| m["files"][name] = json!({ "bytes": 1, "sha256": "" }));
        blamed(result, MANIFEST, "plain file name");
    }
}

#[test]
fn a_file_that_must_be_listed_is_named() {
    for name in [TOKENIZER, TEXT_ENCODER, UNET, VAE_DECODER, ATTENTION] {
        let result = opened(|m| drop(m["files"].as_object_mut().expect("files").remove(name)));
        blamed(result, MANIFEST, name);
    }
    // img2img alone needs the encoder.
    let copy = Copy::new();
    copy.edit(|m| drop(m["files"].as_object_mut().expect("files").remove(VAE_ENCODER)));
    Bundle::open(copy.path()).expect("a bundle without img2img");
    blamed(draw(copy.path()), VAE_ENCODER, "comes without it");
}

#[test]
fn numbers_that_cannot_be_are_named() {
    let cases = [
        ("/image/width", json!(0)),
        ("/image/height", json!(4_000_000_000u32)),
        ("/image/height", json!(63)),
        ("/latent/channels", json!(0)),
        ("/latent/channels", json!(4_000_000_000u32)),
        ("/latent/scale", json!(0)),
        ("/latent/multiple", json!(0)),
        ("/latent/multiple", json!(3)),
        ("/vae/scaling_factor", json!(0.0)),
        ("/vae/scaling_factor", json!(-1.0)),
        ("/vae/scaling_factor", json!(1e300)),
        ("/vae/scaling_factor", json!(1e-300)),
        ("/vae/shift_factor", json!(-1e300)),
        ("/text/max_length", json!(2)),
        ("/text/max_length", json!(4_000_000_000u32)),
        ("/text/hidden_size", json!(0)),
        ("/text/hidden_size", json!(191)),
        ("/noise_schedule/num_train_timesteps", json!(0)),
        ("/noise_schedule/num_train_timesteps", json!(4_000_000_000u32)),
        ("/noise_schedule/beta_start", json!(-1.0)),
        ("/noise_schedule/beta_end", json!(2.0)),
        ("/defaults/steps", json!(0)),
        ("/defaults/steps", json!(1001)),
        ("/defaults/guidance", json!(-1.0)),
        ("/defaults/guidance", json!(1e300)),
        ("/defaults/scheduler", json!("plms")),
        ("/preview", json!({ "weight": [], "bias": [0.0, 0.0, 0.0] })),
        ("/layers", json!([])),
        ("/layers/0/rows", json!(0)),
        ("/layers/0/rows", json!(4_000_000_000u32)),
        ("/layers/0/columns", json!(1)),
    ];
    for (place, value) in cases {
        let result = opened(|m| *m.pointer_mut(place).expect("a field") = value.clone());
        println!("{place} = {value}");
        blamed(result, MANIFEST, "");
    }
    // NaN and infinity cannot be written in JSON; what stands for them is refused.
    let copy = Copy::new();
    let text = String::from_utf8(copy.read(MANIFEST)).expect("text");
    for stand_in in ["NaN", "Infinity", "1e999", "\"NaN\"", "null"] {
        let from = text.find("\"scaling_factor\"").expect("the field") + 16;
        let end = from + text[from..].find([',', '}']).expect("its end");
        copy.write(MANIFEST, format!("{}: {stand_in}{}", &text[..from], &text[end..]));
        blamed(Bundle::open(copy.path()), MANIFEST, "");
    }
}

#[test]
fn layers_must_be_those_of_the_weights() {
    blamed(opened(|m| m["layers"][0]["rows"] = json!(1)), ATTENTION, "shape");
    blamed(opened(|m| drop(m["layers"].as_array_mut().expect("layers").pop())), ATTENTION, "layers");
    blamed(opened(|m| m["layers"][1]["name"] = json!("elsewhere.to_v")), ATTENTION, "elsewhere.to_v");
    blamed(opened(|m| m["layers"][1]["name"] = m["layers"][0]["name"].clone()), MANIFEST, "twice");
}

#[test]
fn weights_that_are_none_are_named() {
    let whole = Copy::new().read(ATTENTION);
    let header = u64::from_le_bytes(whole[..8].try_into().expect("8 bytes")) as usize;
    let text = String::from_utf8(whole[8..8 + header].to_vec()).expect("a header");
    let rebuilt = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &whole[8 + header..]].concat();
    let mut huge = whole.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let cases = [
        b"".to_vec(),
        vec![0; 7],
        vec![0xff; 4096],
        huge,
        whole[..whole.len() - 2].to_vec(),
        rebuilt(&text.replacen("F16", "BF16", 1)),
        rebuilt(&text.replacen("F16", "I64", 1)),
        rebuilt(&text.replacen("to_k", "to_q", 1)),
        rebuilt(&text.replacen("\"data_offsets\":[0,", "\"data_offsets\":[18446744073709551615,", 1)),
    ];
    for bytes in cases {
        let copy = Copy::new();
        copy.replace(ATTENTION, bytes);
        blamed(Bundle::open(copy.path()), ATTENTION, "");
    }
}

#[test]
fn a_tokenizer_that_is_none_is_named() {
    let whole = Copy::new().read(TOKENIZER);
    for bytes in
        [b"".to_vec(), b"{}".to_vec(), b"\xff".to_vec(), whole[..whole.len() / 2].to_vec(), b"[[[[".repeat(9999)]
    {
        let copy = Copy::new();
        copy.replace(TOKENIZER, bytes);
        blamed(draw(copy.path()), TOKENIZER, "not a tokenizer");
    }
}

#[test]
fn special_tokens_must_be_the_tokenizers() {
    for field in ["bos_token_id", "eos_token_id", "pad_token_id"] {
        for id in [1 << 16, u32::MAX] {
            let copy = Copy::new();
            copy.edit(|m| m["text"][field] = json!(id));
            blamed(draw(copy.path()), TOKENIZER, &id.to_string());
        }
    }
}

#[test]
fn a_graph_that_is_none_is_named() {
    for name in [TEXT_ENCODER, UNET, VAE_DECODER, VAE_ENCODER] {
        let copy = Copy::new();
        let size = copy.read(name).len();
        for bytes in [vec![0xff; size], vec![0; size], copy.read(name)[..size / 2].to_vec(), Vec::new()] {
            copy.replace(name, bytes);
            blamed(draw(copy.path()), name, "");
        }
    }
}

#[test]
fn a_graph_in_another_ones_place_is_named() {
    for (name, other) in [(TEXT_ENCODER, VAE_DECODER), (UNET, VAE_DECODER), (VAE_DECODER, VAE_ENCODER)] {
        let copy = Copy::new();
        copy.replace(name, copy.read(other));
        blamed(draw(copy.path()), name, "");
    }
}

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
