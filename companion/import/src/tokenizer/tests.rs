//! What transformers makes of every layout of a folder that is about.

use std::fs;
use std::path::Path;

use cones_core::text::tokenizer::Tokenizer;
use cones_tests::golden;
use serde_json::Value;

use super::read;
use crate::error::Result;
use crate::text_config::TextEncoder;

const POSITIONS: u32 = 32;

/// Toybox's own `tokenizer.json`, byte by byte.
fn toybox() -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/toybox/bundle/tokenizer.json");
    fs::read(file).expect("Toybox's tokenizer")
}

/// A folder `tokenizer` with the vocabulary of Toybox as `layout` has it, and its files.
fn lay_out(layout: &Value) -> tempfile::TempDir {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("tokenizer");
    fs::create_dir(&folder).expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("a file");
    let bytes = toybox();
    let mut whole: Value = serde_json::from_slice(&bytes).expect("JSON");
    let own = |value: &Value| value.is_null();
    if layout["whole"] == true && own(&layout["added_tokens"]) {
        write("tokenizer.json", &bytes);
    } else if layout["whole"] == true {
        whole["added_tokens"] = layout["added_tokens"].clone();
        write("tokenizer.json", whole.to_string().as_bytes());
    } else {
        write("vocab.json", whole["model"]["vocab"].to_string().as_bytes());
        let merges = whole["model"]["merges"].as_array().expect("merges").iter();
        let lines = merges.map(|pair| format!("{} {}\n", pair[0].as_str().expect("a"), pair[1].as_str().expect("b")));
        write("merges.txt", ["#version: 0.2\n".to_owned()].into_iter().chain(lines).collect::<String>().as_bytes());
    }
    for (name, content) in layout["files"].as_object().expect("files") {
        write(name, content.to_string().as_bytes());
    }
    parent
}

fn read_in(parent: &Path, vocab_size: Option<u32>) -> Result<super::Tokenizer> {
    let text = TextEncoder { hidden_size: 8, positions: POSITIONS, vocab_size };
    read(parent, Path::new("nowhere"), "tokenizer", &text)
}

#[test]
fn every_layout_gives_the_tokens_of_transformers() {
    let file: Value = golden::json("tokens/layouts.json");
    let prompts = file["prompts"].as_array().expect("prompts");
    let layouts = file["layouts"].as_array().expect("layouts");
    assert!(prompts.len() >= 50 && layouts.len() >= 15);
    for layout in layouts {
        let (name, parent) = (&layout["name"], lay_out(layout));
        let read = read_in(parent.path(), None).unwrap_or_else(|error| panic!("{name}: {error}"));
        let text = read.text;
        let ends = serde_json::json!([text.bos_token_id, text.eos_token_id, text.pad_token_id]);
        assert_eq!(ends, layout["ends"], "{name}");
        assert_eq!(text.max_length, POSITIONS, "{name}");
        let written = parent.path().join("written.json");
        fs::write(&written, &read.bytes).expect("a file");
        let tokenizer = Tokenizer::open(&written, text).expect("a tokenizer");
        for (prompt, expected) in prompts.iter().zip(layout["ids"].as_array().expect("ids")) {
            let ids = tokenizer.ids(prompt.as_str().expect("a prompt")).expect("tokens");
            assert_eq!(serde_json::json!(ids), *expected, "{name}: {prompt}");
        }
    }
}

fn layout(name: &str) -> Value {
    let file: Value = golden::json("tokens/layouts.json");
    let mut layouts = file["layouts"].as_array().expect("layouts").iter();
    layouts.find(|layout| layout["name"] == name).expect("a layout").clone()
}

#[test]
fn a_tokenizer_that_says_all_is_kept_byte_by_byte() {
    let parent = lay_out(&layout("toybox"));
    assert_eq!(read_in(parent.path(), None).expect("a tokenizer").bytes, toybox());
}

#[test]
fn the_export_may_have_put_it_beside_the_graphs() {
    let (parent, onnx) = (lay_out(&layout("sd1")), tempfile::tempdir().expect("a folder"));
    let folder = parent.path().join("tokenizer");
    fs::remove_file(folder.join("merges.txt")).expect("a removed file");
    let text = TextEncoder { hidden_size: 8, positions: POSITIONS, vocab_size: None };
    let error = read(parent.path(), onnx.path(), "tokenizer", &text).expect_err("no merges").to_string();
    assert!(error.contains("tokenizer.json") && error.contains("merges.txt"), "{error}");
    fs::write(onnx.path().join("tokenizer.json"), toybox()).expect("a file");
    read(parent.path(), onnx.path(), "tokenizer", &text).expect("a tokenizer");
}

/// The error of a layout with one file replaced.
fn error_with(name: &str, content: &str) -> String {
    let parent = lay_out(&layout("sd1"));
    fs::write(parent.path().join("tokenizer").join(name), content).expect("a file");
    let error = read_in(parent.path(), None).expect_err(content);
    format!("{error}; {}", error.hint().unwrap_or_default())
}

#[test]
fn what_would_tokenize_otherwise_is_refused() {
    for (name, content, parts) in [
        ("tokenizer_config.json", r#"{"tokenizer_class": "T5Tokenizer"}"#, ["`tokenizer_class`", "CLIPTokenizer"]),
        ("tokenizer_config.json", r#"{"padding_side": "left"}"#, ["`padding_side`", "left"]),
        ("tokenizer_config.json", r#"{"split_special_tokens": true}"#, ["`split_special_tokens`", "true"]),
        ("tokenizer_config.json", r#"{"added_tokens_decoder": {"x": "y"}}"#, ["`added_tokens_decoder`", "numbers"]),
        ("tokenizer_config.json", "[]", ["tokenizer_config.json", "no JSON object"]),
        ("special_tokens_map.json", "{", ["special_tokens_map.json", "not JSON"]),
        ("added_tokens.json", r#"{"<v1>": "no"}"#, ["added_tokens.json", "`<v1>`"]),
        ("vocab.json", r#"{"a": -1}"#, ["vocab.json", "numbers"]),
        ("merges.txt", "#version: 0.2\na b\nc d e\n", ["merges.txt", "line 3"]),
        ("tokenizer.json", r#"{"model": {"type": "Unigram", "vocab": []}}"#, ["`model.type`", "Unigram"]),
        ("tokenizer.json", r#"{"model": {"vocab": {"a": 0}, "merges": [1]}}"#, ["`model.merges`", "pairs"]),
        ("tokenizer.json", "{}", ["`model`", "missing"]),
    ] {
        let error = error_with(name, content);
        assert!(parts.iter().all(|part| error.contains(part)), "{name} {content}: {error}");
    }
}

#[test]
fn tokens_that_the_text_encoder_does_not_have_are_named() {
    let parent = lay_out(&layout("a pad token of its own"));
    // The last token of all.
    let pad = read_in(parent.path(), None).expect("a tokenizer").text.pad_token_id;
    assert_eq!(read_in(parent.path(), Some(pad + 1)).expect("a tokenizer").text.pad_token_id, pad);
    let error = read_in(parent.path(), Some(pad)).expect_err("too few").to_string();
    assert!(error.contains("`<pad>`") && error.contains(&pad.to_string()), "{error}");
}
