//! Large pictures in two passes, and variations.

use cones_core::{CancelToken, Error, Hires, Init, Observer, Picture, Progress, Request, Stage, Variation};
use cones_tests::base;

use super::request;

fn large() -> Request {
    request("a dog on grass").with_hires(Hires::new(1.5).with_strength(0.5))
}

fn drawn(request: &Request) -> Vec<(Picture, cones_core::picture::recipe::Recipe)> {
    let generated = base::shared().generate(request, &mut (), &CancelToken::new()).expect("pictures");
    generated.pictures.into_iter().map(|drawn| (drawn.picture, drawn.recipe)).collect()
}

#[derive(Default)]
struct Ear {
    heard: Vec<(Stage, u32, u32, u32)>,
    previews: Vec<(u32, u32)>,
    stop_at: Option<(CancelToken, u32)>,
}

impl Observer for Ear {
    fn on_progress(&mut self, progress: &Progress) {
        self.heard.push((progress.stage, progress.picture, progress.step, progress.steps));
        assert_eq!(progress.pictures, 2);
        self.previews.extend(progress.preview.as_ref().map(|preview| (progress.step, preview.width)));
        if let Some((cancel, step)) = &self.stop_at
            && progress.step == *step
        {
            cancel.cancel();
        }
    }

    fn wants_preview(&mut self, step: u32) -> bool {
        step.is_multiple_of(4)
    }
}

#[test]
fn both_passes_are_told_as_one() {
    let mut ear = Ear::default();
    let pictures = large().with_count(2);
    let generated = base::shared().generate(&pictures, &mut ear, &CancelToken::new()).expect("pictures");
    assert_eq!(generated.pictures.len(), 2);
    assert_eq!(generated.timings.steps, 2 * 6);
    let finished = ear.heard.iter().filter(|(stage, ..)| *stage == Stage::Finished).count();
    assert_eq!(finished, 2);
    let mut steps: Vec<u32> = ear.heard.iter().map(|(_, picture, step, _)| picture * 6 + step).collect();
    assert!(ear.heard.iter().all(|(_, _, step, steps)| step <= steps && *steps == 6), "{:?}", ear.heard);
    let told = steps.clone();
    steps.sort_unstable();
    assert_eq!(told, steps, "never back");
    // Of the first pass; the second is steps 5 and 6.
    assert_eq!(ear.previews, [(4, 16), (4, 16)]);
}

#[test]
fn a_large_picture_is_its_small_one_drawn_on() {
    let own = drawn(&request("a dog on grass")).swap_remove(0);
    let pictures = drawn(&self::large().with_count(2));
    let (picture, recipe) = &pictures[0];
    let (side, large) = (base::side(), base::side() / 2 * 3);
    assert_eq!((picture.width, picture.height, recipe.width, recipe.height), (large, large, side, side));
    assert_eq!((recipe.seed, pictures[1].1.seed), (11, 12));
    let hires = recipe.hires.expect("two passes");
    assert_eq!((hires.scale, hires.strength, hires.steps), (1.5, 0.5, None));
    // The same by hand.
    let init = Init::new(own.0.resized(large, large).expect("a picture"), 0.5);
    let by_hand = drawn(&request("a dog on grass").with_size(large, large).with_init(init)).swap_remove(0);
    assert_eq!(by_hand.0, *picture);
    assert!(
        recipe.parameters().contains(&format!("Size: {side}x{side}"))
            && recipe.parameters().contains("Hires upscale: 1.5")
    );
    // One of several is the one alone.
    assert_eq!(drawn(&self::large().with_seed(12)).swap_remove(0).0, pictures[1].0);
}

#[test]
fn what_cannot_be_enlarged_is_refused_before_any_work() {
    let picture = Picture { width: 1, height: 1, rgb: vec![0; 3] };
    let refused = |request: Request, field: &str| {
        let mut heard = |_: &Progress| panic!("no work");
        match base::shared().generate(&request, &mut heard, &CancelToken::new()) {
            Err(Error::BadRequest { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{other:?}"),
        }
        assert!(base::shared().memory_plan(&request).is_err(), "{field}");
    };
    for scale in [1.0, 0.0, -2.0, 8.1, f32::NAN, f32::INFINITY] {
        refused(request("a dog").with_hires(Hires::new(scale)), "hires");
    }
    refused(large().with_init(Init::new(picture, 0.5)), "hires");
    refused(request("a dog").with_hires(Hires::new(2.0).with_strength(1.5)), "strength");
    refused(request("a dog").with_hires(Hires::new(2.0).with_steps(0)), "steps");
    refused(request("a dog").with_size(4096, base::side()).with_hires(Hires::new(4.0)), "width");
    refused(large().with_count(0), "count");
    for strength in [-0.1, 1.1, f32::NAN] {
        refused(request("a dog").with_variation(Variation::new(1, strength)), "variation");
    }
}

#[test]
fn more_memory_is_planned_for_the_second_pass() {
    let engine = base::shared();
    let peak = |request: &Request| engine.memory_plan(request).expect("fits").peak;
    assert!(peak(&large()) > peak(&request("a dog on grass")));
}

#[test]
fn stopped_in_the_second_pass_it_leaves_a_usable_engine() {
    let cancel = CancelToken::new();
    let mut ear = Ear { stop_at: Some((cancel.clone(), 5)), ..Ear::default() };
    let stopped = base::shared().generate(&large().with_count(2), &mut ear, &cancel);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    assert_eq!(drawn(&large()).swap_remove(0).0, drawn(&large()).swap_remove(0).0);
}

#[test]
fn of_several_variations_all_have_one_seed() {
    let varied = request("a dog on grass").with_variation(Variation::new(100, 0.4)).with_count(2);
    let pictures = drawn(&varied);
    let seeds: Vec<_> = pictures.iter().map(|(_, r)| (r.seed, r.variation.map(|v| v.seed))).collect();
    assert_eq!(seeds, [(11, Some(100)), (11, Some(101))]);
    assert_eq!(drawn(&request("a dog on grass").with_variation(Variation::new(101, 0.4)))[0].0, pictures[1].0);
    let own = drawn(&request("a dog on grass")).swap_remove(0).0;
    assert_eq!(drawn(&request("a dog on grass").with_variation(Variation::new(100, 0.0)))[0].0, own);
    assert_ne!(pictures[0].0, own);
    // Both at once.
    let both = drawn(&varied.with_count(1).with_hires(Hires::new(2.0))).swap_remove(0);
    assert_eq!((both.0.width, both.1.variation.map(|v| v.seed)), (2 * base::side(), Some(100)));
}
