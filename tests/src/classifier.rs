//! A classifier of a few hundred bytes, as ONNX's protocol buffers: it gives the means of a picture's channels.

use cones_core::model::safety::SafetyClassifier;
use serde_json::json;

use crate::hostile::Copy;

/// Its score is the mean of red, 0 to 1, of a picture that is stretched to 8 x 8 pixels.
pub fn red(threshold: f32) -> SafetyClassifier {
    let mut it = SafetyClassifier::new("red", 8, 8);
    it.threshold = threshold;
    it
}

/// The graph: `picture` [batch, 3, 8, 8] to `means` [batch, 3].
pub fn graph() -> Vec<u8> {
    let axes = [text(1, "axes"), number(8, 2), number(8, 3), number(20, 7)].concat();
    let keep = [text(1, "keepdims"), number(3, 0), number(20, 2)].concat();
    let node = [text(1, "picture"), text(2, "means"), text(4, "ReduceMean"), part(5, &axes), part(5, &keep)].concat();
    let picture = value("picture", &[None, Some(3), Some(8), Some(8)]);
    let means = value("means", &[None, Some(3)]);
    let graph = [part(1, &node), text(2, "means"), part(11, &picture), part(12, &means)].concat();
    [number(1, 8), part(7, &graph), part(8, &[text(1, ""), number(2, 13)].concat())].concat()
}

/// A copy of the base model that brings it.
pub fn bundle(threshold: f32) -> Copy {
    let copy = Copy::new();
    copy.replace(SafetyClassifier::FILE, graph());
    copy.edit(|manifest| {
        manifest["schema"] = json!(3);
        manifest["safety"] = serde_json::to_value(red(threshold)).expect("JSON");
    });
    copy
}

/// A declared tensor of float32.
fn value(name: &str, dims: &[Option<u64>]) -> Vec<u8> {
    let dim = |dim: &Option<u64>| part(1, &dim.map_or_else(|| text(2, "batch"), |size| number(1, size)));
    let shape: Vec<u8> = dims.iter().flat_map(dim).collect();
    let tensor = [number(1, 1), part(2, &shape)].concat();
    [text(1, name), part(2, &part(1, &tensor))].concat()
}

fn text(field: u64, text: &str) -> Vec<u8> {
    part(field, text.as_bytes())
}

/// A field of so many bytes.
fn part(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
