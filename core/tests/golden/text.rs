//! The text encoder against transformers' CLIPTextModel. Vectors: `tests/golden/make_text.py`.

use cones_tests::{base, golden};
use safetensors::SafeTensors;
use serde::Deserialize;

/// Largest difference allowed.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    fingerprint: String,
    prompts: Vec<String>,
}

#[test]
fn embeddings_are_transformers() {
    let golden: Golden = golden::json("text/text.json");
    let file = golden::read("text/text.safetensors");
    let tensors = SafeTensors::deserialize(&file).expect("golden embeddings");
    let data = tensors.tensor("last_hidden_state").expect("golden embeddings").data();
    let values: Vec<f32> = data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let mut engine = base::engine();
    golden::check_weights(&golden.fingerprint, engine.bundle());

    let size = values.len() / golden.prompts.len();
    for (prompt, expected) in golden.prompts.iter().zip(values.chunks_exact(size)) {
        let found = engine.embed(prompt).expect("an embedding");
        assert_eq!(found.len(), expected.len(), "{prompt:?}");
        let gap = found.iter().zip(expected).fold(0.0f32, |most, (f, e)| most.max((f - e).abs()));
        println!("{gap:.1e} {prompt:?}");
        assert!(found.iter().all(|f| f.is_finite()) && gap <= TOLERANCE, "{gap:e} {prompt:?}");
    }
}
