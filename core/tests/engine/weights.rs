//! Weights of words and long prompts: what they change, where subjects' triggers are found in them, and what is refused.

use cones_core::attention::KeyValues;
use cones_core::{CancelToken, Engine, Error, Request, Subject};
use cones_tests::base;

use super::{request, subject};

fn weighted(prompt: &str) -> Request {
    request(prompt).with_prompt_weights()
}

/// A subject of 5 % of the weights, at its trigger alone.
fn dog(engine: &Engine, name: &str, seed: u64) -> Subject {
    let mut dog = subject(engine.bundle(), seed).on_trigger("<v1> dog");
    dog.name = name.into();
    dog
}

fn conditions(engine: &mut Engine, request: &Request) -> KeyValues {
    engine.conditions(request).expect("K and V").pop().expect("the prompt's")
}

/// The rows in which two differ, in any layer.
fn changed(engine: &Engine, a: &KeyValues, b: &KeyValues) -> Vec<usize> {
    let width = |layer: usize| engine.bundle().manifest().layers[layer].rows as usize;
    let count = a.layers[0].len() / width(0);
    let differs = |row: usize| {
        (0..a.layers.len()).any(|layer| {
            let part = row * width(layer)..(row + 1) * width(layer);
            a.layers[layer][part.clone()] != b.layers[layer][part]
        })
    };
    (0..count).filter(|row| differs(*row)).collect()
}

/// The rows that a subject of the trigger `<v1> dog` changes in a weighted prompt.
fn rows(engine: &mut Engine, prompt: &str) -> Vec<usize> {
    let off = weighted(prompt);
    let on = off.clone().with_subject(dog(engine, "rex", 1));
    let (off, on) = (conditions(engine, &off), conditions(engine, &on));
    changed(engine, &off, &on)
}

fn warnings(engine: &mut Engine, request: &Request) -> Vec<String> {
    engine.generate(request, &mut (), &CancelToken::new()).expect("a picture").warnings
}

fn refused(request: &Request) -> (&'static str, String) {
    match base::shared().generate(request, &mut (), &CancelToken::new()) {
        Err(Error::BadRequest { field, reason, .. }) => (field, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_prompt_without_brackets_draws_the_same_to_the_bit() {
    let mut engine = base::shared();
    let plain = request("a dog and an apple on grass");
    let same = weighted("a dog and an apple on grass");
    let expected = base::draw(&mut engine, &plain);
    assert_eq!(base::draw(&mut engine, &same), expected);
    assert_eq!(base::draw(&mut engine, &weighted("a (dog:1) and an apple on grass")), expected);
    let heavy = weighted("a dog and an (apple:1.5) on grass");
    let generated = engine.generate(&heavy, &mut (), &CancelToken::new()).expect("a picture");
    assert_ne!(generated.pictures[0].picture, expected);
    assert!(generated.pictures[0].recipe.prompt_weights);
    // Brackets are text unless it is said otherwise.
    let brackets = request("a dog and an (apple:1.5) on grass");
    assert_ne!(base::draw(&mut engine, &brackets), generated.pictures[0].picture);
}

#[test]
fn triggers_are_found_in_brackets_and_behind_escapes() {
    let mut engine = base::shared();
    // The start is row 0.
    assert_eq!(rows(&mut engine, "a <v1> dog on grass"), [2, 3]);
    assert_eq!(rows(&mut engine, "a (<v1> dog:1.4) on grass"), [2, 3]);
    assert_eq!(rows(&mut engine, "a ((<v1>) [dog]:0.7) on grass"), [2, 3], "each word of another weight");
    assert_eq!(rows(&mut engine, r"\(a\) <v1> dog"), [4, 5]);
    assert_eq!(rows(&mut engine, r"\<v1> dog"), [1, 2], "a backslash that escapes nothing is none");
    assert!(rows(&mut engine, "a <v1> (cat)").is_empty());
    let absent = weighted("a <v1> BREAK dog").with_subject(dog(&engine, "rex", 1));
    let warned = warnings(&mut engine, &absent);
    assert!(
        warned.iter().any(|warning| warning.contains("`rex`") && warning.contains("not in the prompt")),
        "{warned:?}"
    );
}

#[test]
fn triggers_are_found_in_every_chunk_and_over_a_boundary() {
    let mut engine = base::shared();
    // 30 tokens a chunk, between a start and an end.
    let at = |words: usize| format!("{}<v1> dog on grass", "owl ".repeat(words));
    assert_eq!(rows(&mut engine, &at(28)), [29, 30]);
    assert_eq!(rows(&mut engine, &at(30)), [33, 34]);
    assert_eq!(rows(&mut engine, &at(29)), [30, 33], "the one in the first chunk, the other in the second");
    assert_eq!(rows(&mut engine, &at(65)), [70, 71]);
    assert_eq!(rows(&mut engine, "owl BREAK a (<v1> dog:1.2) BREAK <v1> dog"), [34, 35, 65, 66]);
}

#[test]
fn the_named_ones_are_told_apart_in_weights_and_chunks() {
    let mut engine = base::shared();
    let two = [dog(&engine, "rex", 1), dog(&engine, "bob", 2)];
    let of = |prompt: &str| {
        let mut request = weighted(prompt);
        request.subjects = two.to_vec();
        request.filled().expect("names that are on")
    };
    let both = of(r"\(a\) ({rex}:1.3) BREAK \[b\] [{bob}]");
    assert_eq!(both.prompt, r"\(a\) (<v1> dog:1.3) BREAK \[b\] [<v1> dog]");
    let found = conditions(&mut engine, &both);
    let own = [vec![4, 5], vec![36, 37]];
    for (subject, own) in two.iter().zip(&own) {
        let mut alone = both.clone();
        alone.subjects = vec![subject.clone()];
        let alone = conditions(&mut engine, &alone);
        let others: Vec<usize> = changed(&engine, &found, &alone);
        assert!(others.iter().all(|row| !own.contains(row)) && others.len() == 2, "{}: {others:?}", subject.name);
    }
    drop(engine);
    assert!(refused(&both.with_negative_prompt("(<v1> dog)")).1.contains("`rex`"), "nobody is named there");
}

#[test]
fn both_prompts_have_as_many_chunks() {
    let mut engine = base::shared();
    let long = weighted("a dog BREAK a cat BREAK an (owl)").with_negative_prompt("(blue:1.2)");
    let found = engine.embeddings(&long).expect("embeddings");
    let chunk = engine.embed("").expect("an embedding");
    assert_eq!([found[0].len(), found[1].len()], [3 * chunk.len(); 2]);
    assert!(found[0][chunk.len()..].chunks(chunk.len()).all(|rest| rest == chunk), "chunks of nothing");
    assert!(found[1][..chunk.len()] == engine.embed("a dog").expect("an embedding"));
    let (longer, shorter) =
        (base::draw(&mut engine, &long), base::draw(&mut engine, &weighted("a dog a cat an (owl)")));
    assert_ne!(longer, shorter);
    assert_eq!(base::draw(&mut engine, &long), longer, "the same again, after another length");
}

#[test]
fn nothing_of_a_long_prompt_is_cut_and_memory_is_planned_for_it() {
    let mut engine = base::shared();
    let text = format!("{}rocket", "owl ".repeat(40));
    assert!(
        warnings(&mut engine, &request(&text))
            .iter()
            .any(|warning| warning.contains("cut") && warning.contains("rocket"))
    );
    assert!(warnings(&mut engine, &weighted(&text)).is_empty());
    let plan = |request: &Request| engine.memory_plan(request).expect("a plan").peak.expect("Toybox has a profile");
    let (one, two) = (plan(&request(&text)), plan(&weighted(&text)));
    let rows: u64 = engine.bundle().manifest().layers.iter().map(|layer| u64::from(layer.rows)).sum();
    let tokens = u64::from(engine.bundle().manifest().text.max_length);
    assert!(two >= one + 2 * 4 * tokens * rows, "{one} and {two}: K and V of {tokens} more tokens, twice");
}

#[test]
fn what_is_not_drawn_is_refused_with_its_prompt() {
    for (prompt, named) in [
        ("a dog AND a cat", "`AND`"),
        ("a [dog:cat:0.5]", "`[dog:cat:0.5]`"),
        ("a [dog|cat]", "`[dog|cat]`"),
        ("(dog BREAK cat:1.2)", "`BREAK`"),
        ("(dog:9999)", "`dog`"),
        ("(dog:1.2.3)", "`1.2.3`"),
    ] {
        let (field, reason) = refused(&weighted(prompt));
        assert!(field == "prompt" && reason.contains(named), "{prompt}: {field} {reason}");
        let (field, reason) = refused(&weighted("a dog").with_negative_prompt(prompt));
        assert!(field == "negative_prompt" && reason.contains(named), "{prompt}: {field} {reason}");
        // Without weights it is text.
        base::shared().embed(prompt).expect("an embedding");
    }
    let (_, reason) = refused(&weighted(&format!("{}rocket", "owl ".repeat(480))));
    assert!(reason.contains("17 chunks") && reason.contains("`rocket`"), "{reason}");
    let (_, reason) = refused(&weighted(&"BREAK ".repeat(20_000)));
    assert!(reason.contains("16 is the most"), "{reason}");
}

#[test]
fn odd_weighted_prompts_are_drawn_or_refused() {
    for prompt in ["", "()", "[]", "\\", ":", "\0(", "BREAK", "(\u{202e}dog:.5)", "<|endoftext|>(<|startoftext|>)"] {
        base::draw(&mut base::shared(), &weighted(prompt).with_negative_prompt(prompt).with_steps(1));
    }
    let refused = refused(&weighted(&"x".repeat(100_000))).1;
    assert!(refused.contains("chunks"), "{refused}");
}
