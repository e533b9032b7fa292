//! K and V against the dense product in float64, and which rows a scope touches.

use cones_core::Subject;
use cones_tests::{base, dense};

use super::subject;

/// Largest difference allowed, as a share of the layer's largest value.
const TOLERANCE: f64 = 1e-4;

fn check(prompt: &str, subjects: &[Subject]) {
    let mut engine = base::shared();
    let embedding = engine.embed(prompt).expect("an embedding");
    let found = engine.key_values(prompt, subjects).expect("K and V");
    let mut worst = 0.0f64;
    for (layer, values) in found.layers.iter().enumerate() {
        let expected = dense::key_values(engine.bundle(), layer, &embedding, subjects);
        let (gap, largest) = dense::difference(values, &expected);
        worst = worst.max(gap / largest.max(1.0));
    }
    println!("K, V with {} subjects: {worst:.1e}", subjects.len());
    assert!(worst <= TOLERANCE, "{worst:e}");
}

#[test]
fn base_products_are_the_dense_ones() {
    check("a dog and an apple on grass", &[]);
}

#[test]
fn masked_products_are_the_dense_ones() {
    let subject = subject(base::shared().bundle(), 1);
    check("a dog and an apple on grass", std::slice::from_ref(&subject));
    check("a dog and an apple on grass", &[subject.with_strength(0.3)]);
}

#[test]
fn in_a_union_factors_multiply() {
    let (a, b) = {
        let engine = base::shared();
        (subject(engine.bundle(), 1), subject(engine.bundle(), 2))
    };
    let shared = (0..a.mask.layers()).map(|l| a.mask.neurons(l).filter(|n| b.mask.neurons(l).any(|m| m == *n)).count());
    assert!(shared.sum::<usize>() > 0, "the two masks overlap");
    check("a cat at night", &[a.clone().with_strength(0.5), b.clone().with_strength(0.4)]);
    check("a cat at night", &[a.clone(), b.clone()]);
    check("a cat at night", &[a.clone().with_strength(0.5), a.with_strength(0.5), b]);
}

#[test]
fn the_order_of_subjects_hardly_matters() {
    let mut engine = base::shared();
    let [a, b] = [1, 2].map(|seed| subject(engine.bundle(), seed).with_strength(0.7));
    let forth = engine.key_values("a cat at night", &[a.clone(), b.clone()]).expect("K and V");
    let back = engine.key_values("a cat at night", &[b, a]).expect("K and V");
    for (f, b) in forth.layers.iter().flatten().zip(back.layers.iter().flatten()) {
        assert!((f - b).abs() <= 1e-4, "{f} {b}");
    }
}

#[test]
fn subjects_on_triggers_touch_their_own_rows_only() {
    let mut engine = base::shared();
    let prompt = "a <v1> dog and a <v2> cat on grass";
    let first = subject(engine.bundle(), 1).on_trigger("<v1> dog");
    let second = subject(engine.bundle(), 2).on_trigger("<v2> cat");
    let tokens = engine.tokenizer().encode(prompt).expect("tokens");
    let positions = |trigger: &str| engine.tokenizer().positions(&tokens, trigger).expect("positions");
    let (rows1, rows2) = (positions("<v1> dog"), positions("<v2> cat"));
    assert!(rows1.len() >= 2 && rows2.len() >= 2 && rows1.iter().all(|row| !rows2.contains(row)));

    let none = engine.key_values(prompt, &[]).expect("K and V");
    let alone1 = engine.key_values(prompt, std::slice::from_ref(&first)).expect("K and V");
    let alone2 = engine.key_values(prompt, std::slice::from_ref(&second)).expect("K and V");
    let both = engine.key_values(prompt, &[first, second]).expect("K and V");
    for layer in 0..none.layers.len() {
        let width = none.layers[layer].len() / tokens.ids.len();
        for token in 0..tokens.ids.len() {
            let row = |kv: &cones_core::attention::KeyValues| kv.layers[layer][token * width..][..width].to_vec();
            let expected = if rows1.contains(&token) {
                assert_ne!(row(&alone1), row(&none), "layer {layer}, token {token}");
                row(&alone1)
            } else if rows2.contains(&token) {
                assert_ne!(row(&alone2), row(&none), "layer {layer}, token {token}");
                row(&alone2)
            } else {
                row(&none)
            };
            assert_eq!(row(&both), expected, "layer {layer}, token {token}");
        }
    }
}

#[test]
fn where_scopes_meet_factors_multiply_too() {
    // A trigger subject inside a prompt-wide one: its rows get both.
    let mut engine = base::shared();
    let prompt = "a <v1> dog on grass";
    let wide = subject(engine.bundle(), 1).with_strength(0.5);
    let narrow = subject(engine.bundle(), 2);
    let embedding = engine.embed(prompt).expect("an embedding");
    let tokens = engine.tokenizer().encode(prompt).expect("tokens");
    let rows = engine.tokenizer().positions(&tokens, "<v1> dog").expect("positions");
    let found = engine.key_values(prompt, &[wide.clone(), narrow.clone().on_trigger("<v1> dog")]).expect("K and V");
    for (layer, values) in found.layers.iter().enumerate() {
        let outside = dense::key_values(engine.bundle(), layer, &embedding, std::slice::from_ref(&wide));
        let inside = dense::key_values(engine.bundle(), layer, &embedding, &[wide.clone(), narrow.clone()]);
        let width = values.len() / tokens.ids.len();
        for (token, row) in values.chunks_exact(width).enumerate() {
            let expected = if rows.contains(&token) { &inside } else { &outside };
            let (gap, _) = dense::difference(row, &expected[token * width..][..width]);
            assert!(gap <= TOLERANCE, "{gap:e} in layer {layer}, token {token}");
        }
    }
}
