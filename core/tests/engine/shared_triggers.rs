//! Several subjects of one trigger, or of triggers that overlap: told apart where they are named, refused where they are not.

use cones_core::attention::KeyValues;
use cones_core::{CancelToken, Engine, Error, Request, Subject};
use cones_tests::{base, dense};

use super::{request, subject};

/// Two dogs, as `cones find` makes them.
fn dogs(engine: &Engine) -> [Subject; 2] {
    let dog = |name: &str, seed| {
        let mut dog = subject(engine.bundle(), seed).on_trigger("<v1> dog");
        dog.name = name.into();
        dog
    };
    [dog("rex", 1), dog("bob", 2)]
}

fn filled(prompt: &str, subjects: &[Subject]) -> Request {
    let mut request = request(prompt);
    request.subjects = subjects.to_vec();
    request.filled().expect("names that are on")
}

fn refused(request: &Request) -> String {
    match base::shared().generate(request, &mut (), &CancelToken::new()) {
        Err(error @ Error::BadRequest { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The rows of K and V at some tokens.
fn rows<'k>(found: &'k KeyValues, tokens: &'k [usize]) -> impl Iterator<Item = &'k [f32]> {
    let all = base::bundle().manifest().text.max_length as usize;
    found.layers.iter().flat_map(move |layer| {
        let width = layer.len() / all;
        tokens.iter().map(move |token| &layer[token * width..][..width])
    })
}

#[test]
fn each_of_two_with_one_trigger_has_the_rows_where_it_was_named() {
    let mut engine = base::shared();
    let two = dogs(&engine);
    let request = filled("a {bob} and a {rex} on grass", &two);
    assert_eq!(request.prompt, "a <v1> dog and a <v1> dog on grass");
    let both = engine.key_values(&request.prompt, &request.subjects).expect("K and V");
    // The rows where the one was named are those of a prompt with it alone; float64 says so as well.
    let embedding = engine.embed(&request.prompt).expect("an embedding");
    for (subject, own) in two.iter().zip([[6, 7], [2, 3]]) {
        let alone = engine.key_values(&request.prompt, std::slice::from_ref(subject)).expect("K and V");
        assert!(rows(&both, &own).eq(rows(&alone, &own)), "{}", subject.name);
        for (layer, values) in both.layers.iter().enumerate() {
            let expected = dense::key_values(engine.bundle(), layer, &embedding, std::slice::from_ref(subject));
            let width = values.len() / (embedding.len() / engine.bundle().manifest().text.hidden_size as usize);
            for token in own {
                let part = token * width..(token + 1) * width;
                let (gap, largest) = dense::difference(&values[part.clone()], &expected[part]);
                assert!(gap <= 1e-4 * largest.max(1.0), "{}: {gap:e} in layer {layer}", subject.name);
            }
        }
    }
    let none = engine.key_values(&request.prompt, &[]).expect("K and V");
    let others = [0, 1, 4, 5, 8, 9, 10, 11];
    assert!(rows(&both, &others).eq(rows(&none, &others)), "all other rows are the base model's");
}

#[test]
fn a_name_may_stand_twice_and_the_order_of_subjects_does_not_matter() {
    let mut engine = base::shared();
    let two = dogs(&engine);
    let mut back = two.clone();
    back.reverse();
    let prompt = "a {rex} and a {bob}, a {rex}";
    let [forth, back] = [filled(prompt, &two), filled(prompt, &back)];
    let forth = engine.key_values(&forth.prompt, &forth.subjects).expect("K and V");
    let back = engine.key_values(&back.prompt, &back.subjects).expect("K and V");
    assert_eq!(forth.layers, back.layers);
    let rex = engine.key_values("a <v1> dog and a <v1> dog, a <v1> dog", &two[..1]).expect("K and V");
    assert!(rows(&forth, &[2, 3, 9, 10]).eq(rows(&rex, &[2, 3, 9, 10])));
}

#[test]
fn bare_words_of_two_subjects_are_refused_with_the_way_out() {
    let two = dogs(&base::shared());
    for prompt in ["a <v1> dog on grass", "a {rex}, a {bob} and a <v1> dog"] {
        let error = refused(&filled(prompt, &two));
        assert!(error.contains("`prompt`") && error.contains("`<v1> dog`"), "{error}");
        assert!(error.contains("`{rex}` or `{bob}`"), "{error}");
    }
    let mut negative = filled("a {rex} and a {bob}", &two);
    negative.negative_prompt = "<v1> dog".into();
    assert!(refused(&negative).contains("`negative_prompt`"));
    // Blended they may be, by those who ask for it.
    let mut blended = request("a <v1> dog on grass");
    (blended.subjects, blended.blend) = (two.to_vec(), true);
    let drawn = base::draw(&mut base::shared(), &blended);
    let mut alone = blended.clone();
    alone.subjects.pop();
    assert_ne!(drawn, base::draw(&mut base::shared(), &alone));
}

#[test]
fn a_subject_that_is_off_keeps_its_words_and_claims_none() {
    let mut engine = base::shared();
    let mut two = dogs(&engine);
    two[0].strength = 0.0;
    let named = filled("a {rex} and a {bob}", &two);
    let found = engine.key_values(&named.prompt, &named.subjects).expect("K and V");
    let none = engine.key_values(&named.prompt, &[]).expect("K and V");
    assert!(rows(&found, &[2, 3]).eq(rows(&none, &[2, 3])), "bob is not where rex was named");
    assert!(!rows(&found, &[6, 7]).eq(rows(&none, &[6, 7])));
    let bare = engine.key_values("a <v1> dog", &two).expect("one of them is on");
    let bob = engine.key_values("a <v1> dog", &two[1..]).expect("K and V");
    assert_eq!(bare.layers, bob.layers);
}

#[test]
fn triggers_that_overlap_are_told_apart_too() {
    let mut engine = base::shared();
    let [rex, _] = dogs(&engine);
    let mut any = subject(engine.bundle(), 2).on_trigger("dog");
    any.name = "any".into();
    let two = [rex.clone(), any.clone()];
    let request = filled("a {rex} and a {any}", &two);
    let both = engine.key_values(&request.prompt, &request.subjects).expect("K and V");
    let alone = |engine: &mut Engine, subject: &Subject| {
        engine.key_values("a <v1> dog and a dog", std::slice::from_ref(subject)).expect("K and V")
    };
    let (own, other) = (alone(&mut engine, &rex), alone(&mut engine, &any));
    assert!(rows(&both, &[2, 3]).eq(rows(&own, &[2, 3])));
    assert!(rows(&both, &[6]).eq(rows(&other, &[6])));
    drop(engine);
    let error = refused(&filled("a <v1> dog", &two));
    assert!(error.contains("`{rex}` or `{any}`"), "{error}");
}

#[test]
fn one_pack_twice_is_refused() {
    let mut twice = request("a <v2> cat");
    let [rex, _] = dogs(&base::shared());
    twice.subjects = vec![rex.clone(), rex.clone().with_strength(0.5)];
    assert!(refused(&twice).contains("`rex` twice"));
    assert!(twice.clone().filled().is_ok(), "nobody is named");
    twice.prompt = "a {rex}".into();
    assert!(twice.clone().filled().expect_err("which one?").to_string().contains("2 subjects of that name"));
    twice.prompt = "a cat".into();
    twice.subjects[1].strength = 0.0;
    base::draw(&mut base::shared(), &twice);
}

#[test]
fn distinct_triggers_draw_as_ever_whether_named_or_not() {
    let mut engine = base::shared();
    let [rex, mut tom] = dogs(&engine);
    (tom.name, tom.trigger) = ("tom".into(), "<v2> cat".into());
    let mut bare = request("a <v1> dog and a <v2> cat");
    bare.subjects = vec![rex, tom];
    let named = filled("a {rex} and a {tom}", &bare.subjects);
    assert_eq!(named.prompt, bare.prompt);
    let mut blended = bare.clone();
    blended.blend = true;
    let drawn = base::draw(&mut engine, &bare);
    assert_eq!(drawn, base::draw(&mut engine, &named));
    assert_eq!(drawn, base::draw(&mut engine, &blended));
}

#[test]
fn a_lone_subject_has_every_occurrence_of_its_trigger() {
    let mut engine = base::shared();
    let [rex, _] = dogs(&engine);
    let named = filled("a {rex} and a <v1> dog", std::slice::from_ref(&rex));
    assert_eq!(named.subjects[0].places, None);
    let found = engine.key_values(&named.prompt, &named.subjects).expect("K and V");
    let bare = engine.key_values("a <v1> dog and a <v1> dog", &[rex]).expect("K and V");
    assert_eq!(found.layers, bare.layers);
}

#[test]
fn who_is_left_without_words_is_told() {
    let two = dogs(&base::shared());
    let request = filled("a {rex} on grass", &two);
    let generated = base::shared().generate(&request, &mut (), &CancelToken::new()).expect("a picture");
    let [warning] = &generated.warnings[..] else { panic!("{:?}", generated.warnings) };
    assert!(warning.contains("`bob`") && warning.contains("stands for another subject"), "{warning}");
}
