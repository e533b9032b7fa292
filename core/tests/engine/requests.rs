//! Unusable requests are typed errors that name the field, before any work.

use cones_core::model::manifest::Layer;
use cones_core::sampling::scheduler::Scheduler;
use cones_core::{CancelToken, ConceptMask, Error, Init, Picture, Progress, Request, Scope, Subject};
use cones_tests::base;

use super::{request, subject};

/// What `change` makes of a good request must be refused for `field`, without a step.
fn refused(field: &str, change: impl FnOnce(&mut Request)) {
    let mut bad = request("a dog");
    change(&mut bad);
    let result = base::shared().generate(&bad, &mut |p: &Progress| assert_eq!(p.step, 0), &CancelToken::new());
    match result {
        Err(error @ Error::BadRequest { field: found, .. }) => {
            assert_eq!(found, field, "{error}");
            println!("{error}");
        }
        other => panic!("{field}: {other:?}"),
    }
}

fn picture(width: u32, height: u32) -> Picture {
    Picture { width, height, rgb: vec![128; 3 * width as usize * height as usize] }
}

#[test]
fn numbers_out_of_range_are_refused() {
    refused("steps", |r| r.steps = Some(0));
    refused("steps", |r| r.steps = Some(1001));
    refused("steps", |r| r.steps = Some(u32::MAX));
    for guidance in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, -0.001] {
        refused("guidance", |r| r.guidance = Some(guidance));
    }
    refused("count", |r| r.count = 0);
    let side = base::side();
    for size in [0, 1, side - 1, side + 1, 8193, 65536, u32::MAX] {
        refused("width", |r| r.width = Some(size));
        refused("height", |r| r.height = Some(size));
    }
}

#[test]
fn strengths_out_of_range_are_refused() {
    let subject = subject(base::shared().bundle(), 1);
    for strength in [-0.1, 1.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        refused("strength", |r| r.subjects = vec![subject.clone().with_strength(strength)]);
        refused("strength", |r| r.init = Some(Init::new(picture(9, 9), strength)));
    }
    refused("strength", |r| r.init = Some(Init::new(picture(9, 9), 0.0)));
    // One of 4 steps would be a quarter.
    refused("strength", |r| r.init = Some(Init::new(picture(9, 9), 0.1)));
}

#[test]
fn init_pictures_must_hold_what_they_say() {
    let init = |width, height, bytes| Some(Init::new(Picture { width, height, rgb: vec![0; bytes] }, 0.5));
    refused("init", |r| r.init = init(9, 9, 3));
    refused("init", |r| r.init = init(0, 0, 0));
    refused("init", |r| r.init = init(u32::MAX, u32::MAX, 12));
    refused("init", |r| r.init = init(10, 10, 301));
}

#[test]
fn an_init_picture_of_another_size_is_scaled() {
    let mut wanted = request("a dog");
    for (width, height) in [(1, 1), (300, 17), (64, 128), (128, 64)] {
        wanted.init = Some(Init::new(picture(width, height), 1.0));
        let drawn = base::draw(&mut base::shared(), &wanted);
        assert_eq!((drawn.width, drawn.height), (base::side(), base::side()));
    }
}

#[test]
fn a_trigger_scope_needs_a_trigger() {
    let subject = subject(base::shared().bundle(), 1);
    let mut without_trigger = subject.clone();
    without_trigger.scope = Scope::Trigger;
    refused("trigger", |r| r.subjects = vec![subject.clone().on_trigger("")]);
    refused("trigger", |r| r.subjects = vec![subject.clone().on_trigger(" \t\n")]);
    refused("trigger", |r| r.subjects = vec![without_trigger.clone()]);
}

#[test]
fn a_mask_of_another_model_is_refused() {
    let layers = base::bundle().manifest().layers.clone();
    let wider: Vec<Layer> = layers.iter().map(|l| Layer { rows: l.rows + 1, ..l.clone() }).collect();
    for foreign in [&layers[1..], &wider, &[]] {
        let mut bad = request("a dog");
        bad.subjects = vec![Subject::new("stranger", ConceptMask::empty(foreign)).with_strength(0.0)];
        match base::shared().generate(&bad, &mut (), &CancelToken::new()) {
            Err(Error::WrongModel { subject, .. }) => assert_eq!(subject, "stranger"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn unknown_names_are_refused_with_those_there_are() {
    let error = "ddpm".parse::<Scheduler>().expect_err("unknown");
    assert!(matches!(error, Error::BadRequest { field: "scheduler", .. }) && error.to_string().contains("euler-a"));
    let error = "all".parse::<Scope>().expect_err("unknown");
    assert!(matches!(error, Error::BadRequest { field: "scope", .. }) && error.to_string().contains("trigger"));
}

#[test]
fn odd_prompts_are_drawn() {
    let mut wanted = request("");
    wanted.steps = Some(1);
    for prompt in
        ["", "\0", "\u{feff}\u{200b}", "🐶", "<|endoftext|><|startoftext|>", "\u{202e}dog", &"x".repeat(100_000)]
    {
        wanted.prompt = prompt.into();
        wanted.negative_prompt = prompt.into();
        base::draw(&mut base::shared(), &wanted);
    }
}
