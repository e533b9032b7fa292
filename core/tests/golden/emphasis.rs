//! Weights of words against AUTOMATIC1111's own code. Vectors: `tests/golden/make_emphasis.py`.

use cones_core::Request;
use cones_core::text::emphasis::{self, Part};
use cones_core::text::tokenizer::Tokenizer;
use cones_tests::{base, golden};
use safetensors::SafeTensors;
use serde::Deserialize;

/// Largest difference allowed, for values up to 7. The vectors were computed in float64.
const TOLERANCE: f32 = 1e-5;

#[derive(Deserialize)]
struct Case {
    text: String,
    /// Words with their weights; none where the web UI fails.
    parts: Option<Vec<(String, f64)>>,
    /// Whether all steps draw the same words, and those alone.
    plain: bool,
}

#[derive(Deserialize)]
struct Embedded {
    fingerprint: String,
    prompts: Vec<Cut>,
}

#[derive(Deserialize)]
struct Cut {
    text: String,
    chunks: Vec<Vec<u32>>,
}

/// Prompts that the web UI draws in some way, and that are refused here: `BREAK` in brackets is a word to it, and brackets of
/// editing that it cannot read are text.
fn is_left_out(case: &Case) -> bool {
    let word = |(text, weight): &(String, f64)| text == "BREAK" && *weight != -1.0;
    case.parts.iter().flatten().any(word) || case.text.contains("[") && case.text.contains(['|', ':'])
}

#[test]
fn prompts_are_taken_apart_as_the_web_ui_does() {
    let cases: Vec<Case> = golden::json("emphasis/parsed.json");
    let (mut same, mut refused, mut left_out) = (0, 0, 0);
    for case in &cases {
        let place = format!("{:?}", case.text);
        let words = |part: Part| match part {
            Part::Words(words) => (words.text(&case.text), words.weight),
            Part::Break => ("BREAK".into(), -1.0),
        };
        match (emphasis::parse(&case.text), &case.parts) {
            (Ok(parts), Some(expected)) if case.plain => {
                let parts: Vec<_> = parts.into_iter().map(words).collect();
                // JSON's numbers are read to the last bit but one.
                let alike = |((text, weight), (other, expected)): (&(String, f64), &(String, f64))| {
                    text == other && (weight - expected).abs() <= 1e-15 * expected.abs()
                };
                assert!(parts.len() == expected.len() && parts.iter().zip(expected).all(alike), "{place}: {parts:?}");
                same += 1;
            }
            (Ok(_), _) => panic!("{place} is drawn otherwise by the web UI"),
            (Err(reason), Some(_)) if case.plain => {
                assert!(is_left_out(case), "{place}: {reason}");
                left_out += 1;
            }
            (Err(_), _) => refused += 1,
        }
    }
    println!("{same} the same, {refused} refused, {left_out} refused that the web UI draws in some way");
    assert!(same > 250 && refused > 50 && left_out < 60);
}

#[test]
fn long_prompts_are_cut_where_the_web_ui_cuts_them() {
    let golden: Embedded = golden::json("emphasis/embedded.json");
    let bundle = base::bundle();
    let file = bundle.file(cones_core::model::bundle::TOKENIZER).expect("a tokenizer");
    let tokenizer = Tokenizer::open(&file, bundle.manifest().text).expect("a tokenizer");
    assert!(golden.prompts.iter().any(|case| case.chunks.len() > 3));
    for Cut { text, chunks } in &golden.prompts {
        let tokens = tokenizer.encode_weighted(text).expect("tokens");
        assert_eq!(tokens.ids, chunks.concat(), "{text:?}");
        let own = tokens.own.iter().map(|place| tokens.ids[*place]);
        let (end, start) = (bundle.manifest().text.eos_token_id, bundle.manifest().text.bos_token_id);
        assert!(own.eq(chunks.concat().into_iter().filter(|id| *id != end && *id != start)), "{text:?}");
    }
}

#[test]
fn weighted_embeddings_are_the_web_uis() {
    let golden: Embedded = golden::json("emphasis/embedded.json");
    let file = golden::read("emphasis/embedded.safetensors");
    let tensors = SafeTensors::deserialize(&file).expect("golden embeddings");
    let mut engine = base::engine();
    golden::check_weights(&golden.fingerprint, engine.bundle());
    assert!(tensors.len() >= 6);
    for (name, expected) in tensors.tensors() {
        let prompt = &golden.prompts[name.parse::<usize>().expect("a number")].text;
        let expected: Vec<f32> =
            expected.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let request = Request::new(prompt).with_guidance(1.0).with_prompt_weights();
        let found = engine.embeddings(&request).expect("embeddings").swap_remove(0);
        assert_eq!(found.len(), expected.len(), "{prompt:?}");
        let gap = found.iter().zip(&expected).fold(0.0f32, |most, (f, e)| most.max((f - e).abs()));
        println!("{gap:.1e} {prompt:?}");
        assert!(found.iter().all(|f| f.is_finite()) && gap <= TOLERANCE, "{gap:e} {prompt:?}");
    }
}
