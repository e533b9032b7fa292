//! Text encoders with respect to their token embeddings, against PyTorch.

use cones_core::{Bundle, CancelToken};
use cones_gradient::{GradientOptions, Memory, TextGradient};
use cones_tests::{base, golden as vectors};

use crate::fixture::{arguments, edit_graph, export, run, temporary};
use crate::golden::{Vectors, distance};

/// Relative to the largest value.
const NEAR: f32 = 1e-4;

fn options(memory: Memory) -> GradientOptions {
    GradientOptions { threads: Some(1), memory, ..GradientOptions::default() }
}

/// The bundle of the import fixtures. It lies in the folder that is returned with it.
fn tiny() -> (tempfile::TempDir, Bundle) {
    let (export, out) = (export("fused"), temporary());
    let args = arguments(export.path(), &out.path().join("bundle"));
    run(&args).unwrap_or_else(|error| panic!("{error}"));
    let bundle = Bundle::open(&args.out).expect("a bundle");
    (out, bundle)
}

fn check(bundle: &Bundle, golden: &Vectors) {
    let (ids, cotangent) = (golden.whole("input_ids"), golden.get("cotangent"));
    let batch = golden.dims("input_ids")[0];
    for memory in [Memory::Normal, Memory::Low] {
        let mut text =
            TextGradient::new(bundle, batch, &options(memory)).unwrap_or_else(|error| panic!("{memory:?}: {error}"));
        let embeddings = text.embeddings(&ids).expect("embeddings");
        assert!(distance(&embeddings, &golden.get("embeddings")) < 1e-6, "embeddings");
        text.step(&ids, &embeddings, &cotangent, &CancelToken::new()).unwrap_or_else(|error| panic!("{error}"));
        let hidden = distance(text.hidden_state().expect("a hidden state"), &golden.get("hidden_state"));
        let gradient = distance(text.gradient().expect("a gradient"), &golden.get("gradient"));
        println!("{memory:?}: hidden state {hidden:.1e}, gradient {gradient:.1e} from PyTorch");
        assert!(hidden < NEAR, "{memory:?}: the hidden state is {hidden} from PyTorch");
        assert!(gradient < NEAR, "{memory:?}: the gradient is {gradient} from PyTorch");
    }
}

#[test]
fn toybox_text_encoder_gives_the_gradient_of_pytorch() {
    let (bundle, golden) = (base::bundle(), Vectors::open("toybox_text"));
    vectors::check_weights(&golden.fingerprint(), &bundle);
    check(&bundle, &golden);
}

#[test]
fn a_batch_of_prompts_gives_the_gradient_of_pytorch() {
    let (_folder, bundle) = tiny();
    check(&bundle, &Vectors::open("tiny_text"));
}

#[test]
fn a_word_that_stands_twice_gets_the_sum_of_its_places() {
    let (_folder, bundle) = tiny();
    let golden = Vectors::open("tiny_text");
    let (mut ids, cotangent) = (golden.whole("input_ids"), golden.get("cotangent"));
    let batch = golden.dims("input_ids")[0];
    ids[5] = 3;
    let count = ids.iter().filter(|id| **id == 3).count();
    assert!(count > 1, "the word stands only once: this tests nothing");
    let mut text = TextGradient::new(&bundle, batch, &options(Memory::Normal)).expect("a derivative");
    let own = text.embedding(3).expect("an embedding");
    assert_eq!(own.len(), text.width());
    // The objective as the one row moves along its own gradient, by central differences.
    let embeddings = text.embeddings(&ids).expect("embeddings");
    text.step(&ids, &embeddings, &cotangent, &CancelToken::new()).expect("a step");
    let row = text.row_gradient(&ids, 3).expect("a gradient");
    let square: f64 = row.iter().map(|value| f64::from(*value).powi(2)).sum();
    let step = 1e-3 / square.sqrt();
    let mut objective = |sign: f64| -> f64 {
        let mut moved = embeddings.clone();
        for (id, place) in ids.iter().zip(moved.chunks_exact_mut(row.len())) {
            if *id == 3 {
                place
                    .iter_mut()
                    .zip(&row)
                    .for_each(|(value, slope)| *value += (sign * step * f64::from(*slope)) as f32);
            }
        }
        text.step(&ids, &moved, &cotangent, &CancelToken::new()).expect("a step");
        let hidden = text.hidden_state().expect("a hidden state");
        hidden.iter().zip(&cotangent).map(|(h, c)| f64::from(*h) * f64::from(*c)).sum()
    };
    let slope = (objective(1.0) - objective(-1.0)) / (2.0 * step);
    assert!((slope / square - 1.0).abs() < 0.01, "the objective rises by {slope}, and the gradient says {square}");
}

#[test]
fn wrong_tokens_and_lists_are_told() {
    let bundle = base::bundle();
    let mut text = TextGradient::new(&bundle, 1, &options(Memory::Normal)).expect("a derivative");
    let error = text.embedding(1_000_000).expect_err("no such row").to_string();
    assert!(error.contains("`input_ids` is 1000000, and the table has"), "{error}");
    let tokens = bundle.manifest().text.max_length as usize;
    let ids = vec![0; tokens];
    let embeddings = text.embeddings(&ids).expect("embeddings");
    let error = |result: Result<(), cones_gradient::Error>| result.expect_err("a wrong list").to_string();
    let token = CancelToken::new();
    let found = error(text.step(&ids[1..], &embeddings, &[], &token));
    assert!(found.contains(&format!("1 prompts of {tokens}")), "{found}");
    let found = error(text.step(&ids, &embeddings[1..], &[], &token));
    assert!(found.contains("takes") && found.contains("numbers"), "{found}");
    let found = error(text.step(&ids, &embeddings, &[0.0], &token));
    assert!(found.contains("`cotangent` takes"), "{found}");
    assert!(TextGradient::new(&bundle, 0, &options(Memory::Normal)).is_err());
}

#[test]
fn an_encoder_without_a_table_is_told() {
    let (_folder, bundle) = tiny();
    let file = bundle.file("text_encoder.onnx").expect("a graph");
    edit_graph(&file, |graph| {
        let lookup = graph.node.iter_mut().find(|n| n.op_type() == "Gather").expect("a lookup");
        lookup.op_type = Some("GatherElements".into());
    });
    let error = TextGradient::new(&bundle, 1, &options(Memory::Normal)).expect_err("no table").to_string();
    assert!(error.contains("text_encoder.onnx") && error.contains("table of embeddings"), "{error}");
}
