//! Damaged and foreign bundles are errors that name the file; nothing panics, nothing else happens.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tests say what they measure and skip")]

mod arbitrary;
mod elsewhere;
mod manifest;

use std::path::Path;

use cones_core::model::bundle::{ATTENTION, MANIFEST, TEXT_ENCODER, TOKENIZER, UNET, VAE_DECODER, VAE_ENCODER};
use cones_core::{Bundle, CancelToken, Engine, Error, Init, Picture, Request, Result};
use cones_tests::base;
use cones_tests::hostile::Copy;
use serde_json::{Value, json};

/// `result` is a bad bundle, blamed on `file`, for a reason that holds `reason`.
fn blamed<T>(result: Result<T>, file: &str, reason: &str) {
    match result {
        Err(error @ Error::BadBundle { .. }) => {
            let text = error.to_string();
            println!("{}", text.lines().next().unwrap_or_default());
            let Error::BadBundle { path, hint, .. } = error else { unreachable!() };
            assert!(path.ends_with(file), "{file} is at fault: {text}");
            assert!(text.contains(reason) || hint.contains(reason), "`{reason}`: {text}; {hint}");
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
    request.init = Some(Init::new(Picture { width: 1, height: 1, rgb: vec![9; 3] }, 1.0));
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
