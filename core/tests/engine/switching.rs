//! Subjects off is the base model, bit for bit.

use cones_tests::base;

use super::{request, subject};

#[test]
fn a_subject_on_then_off_leaves_no_trace() {
    let mut engine = base::shared();
    let off = request("a dog and an apple on grass");
    let mut on = off.clone();
    on.subjects = vec![subject(engine.bundle(), 1)];
    let before = base::draw(&mut engine, &off);
    let during = base::draw(&mut engine, &on);
    let after = base::draw(&mut engine, &off);
    assert_ne!(before, during, "5 % of the weights change the picture");
    assert_eq!(before, after);
    assert_eq!(during, base::draw(&mut engine, &on), "and the subject draws the same again");
    assert_eq!(before, base::draw(&mut base::engine(), &off), "as does an engine that never saw a subject");
}

#[test]
fn strength_zero_is_the_base_model() {
    let mut engine = base::shared();
    let off = request("a cat in the snow");
    let mut on = off.clone();
    on.subjects = (1..4).map(|seed| subject(engine.bundle(), seed).with_strength(0.0)).collect();
    assert_eq!(base::draw(&mut engine, &off), base::draw(&mut engine, &on));
}

#[test]
fn strength_is_a_matter_of_degree() {
    let mut engine = base::shared();
    let mut on = request("a cat in the snow");
    let base_picture = base::draw(&mut engine, &on);
    on.subjects = vec![subject(engine.bundle(), 1).with_strength(0.1)];
    let weak = base::draw(&mut engine, &on);
    on.subjects = vec![subject(engine.bundle(), 1)];
    let full = base::draw(&mut engine, &on);
    let gap = |picture: &cones_core::Picture| cones_tests::psnr::psnr(picture, &base_picture);
    assert!(gap(&weak).is_finite() && gap(&weak) > gap(&full), "{} {}", gap(&weak), gap(&full));
}

#[test]
fn a_prompt_without_the_trigger_is_the_base_models() {
    let mut engine = base::shared();
    let first = subject(engine.bundle(), 1).on_trigger("<v1> dog");
    let second = subject(engine.bundle(), 2).on_trigger("<v2>");
    for prompt in ["a dog on grass", "a <v1> cat on grass", "a <v3> dog", ""] {
        let off = request(prompt);
        let mut on = off.clone();
        on.subjects = vec![first.clone(), second.clone()];
        assert_eq!(base::draw(&mut engine, &off), base::draw(&mut engine, &on), "{prompt:?}");
    }
}

#[test]
fn a_prompt_with_the_trigger_is_another_picture() {
    let mut engine = base::shared();
    let off = request("a <v1> dog on grass");
    let mut on = off.clone();
    on.subjects = vec![subject(engine.bundle(), 1).on_trigger("<v1> dog")];
    assert_ne!(base::draw(&mut engine, &off), base::draw(&mut engine, &on));
}

#[test]
fn many_prompts_in_turn_draw_as_on_a_fresh_engine() {
    // Base products of the last prompts are kept; the negative prompt's must not be pushed out by them.
    let mut engine = base::engine();
    for prompt in ["a dog", "a cat", "an owl", "a car", "a robot", "a panda", "a dog"] {
        let mut request = request(prompt);
        request.steps = Some(1);
        engine.generate(&request, &mut (), &cones_core::CancelToken::new()).expect("a picture");
    }
    let last = request("an octopus");
    assert_eq!(base::draw(&mut engine, &last), base::draw(&mut base::engine(), &last));
}
