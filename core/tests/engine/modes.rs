//! Memory modes, threads, several pictures, long prompts.

use cones_core::{CancelToken, Engine, Init, MemoryMode};
use cones_tests::base;
use cones_tests::psnr::psnr;

use super::{request, subject};

#[test]
fn sequential_memory_draws_the_same_bytes() {
    let options = base::options().with_memory(MemoryMode::Sequential);
    let mut sequential = Engine::new(base::bundle(), options).expect("an engine");
    let mut resident = base::shared();
    let mut wanted = request("a dog and an apple on grass");
    wanted.count = 2;
    wanted.subjects = vec![subject(resident.bundle(), 1)];
    let first = base::draw_all(&mut resident, &wanted);
    assert_eq!(base::draw_all(&mut sequential, &wanted), first);
    assert_eq!(base::draw_all(&mut sequential, &wanted), first, "and again");
    wanted.init = Some(Init::new(first[1].clone(), 0.5));
    assert_eq!(base::draw_all(&mut sequential, &wanted), base::draw_all(&mut resident, &wanted), "from a picture");
}

#[test]
fn several_pictures_are_single_ones_with_successive_seeds() {
    let mut engine = base::shared();
    for scheduler in ["ddim", "euler-a"] {
        let mut several = request("an owl at sunset");
        several.scheduler = Some(scheduler.parse().expect("a scheduler"));
        several.count = 3;
        several.seed = u64::MAX - 1;
        let generated = engine.generate(&several, &mut (), &CancelToken::new()).expect("pictures");
        assert_eq!(generated.pictures.len(), 3);
        let mut pictures = Vec::new();
        for drawn in &generated.pictures {
            let mut single = several.clone();
            single.count = 1;
            single.seed = drawn.recipe.seed;
            assert_eq!(base::draw(&mut engine, &single), drawn.picture, "{scheduler}, seed {}", drawn.recipe.seed);
            pictures.push(&drawn.picture);
        }
        let seeds: Vec<_> = generated.pictures.iter().map(|d| d.recipe.seed).collect();
        assert_eq!(seeds, [u64::MAX - 1, u64::MAX, 0], "seeds wrap around");
        assert!(pictures[0] != pictures[1] && pictures[1] != pictures[2]);
    }
}

#[test]
fn the_number_of_threads_changes_no_more_than_rounding() {
    let wanted = request("a rocket at night");
    let one = base::draw(&mut base::shared(), &wanted);
    for threads in [None, Some(2), Some(3)] {
        let mut options = base::options();
        options.threads = threads;
        let mut engine = Engine::new(base::bundle(), options).expect("an engine");
        let likeness = psnr(&base::draw(&mut engine, &wanted), &one);
        assert!(likeness >= 60.0, "{likeness} dB with {threads:?}");
    }
}

#[test]
fn no_guidance_takes_one_branch_and_a_negative_prompt_takes_part_otherwise() {
    let mut engine = base::shared();
    let mut free = request("a car on the beach");
    free.guidance = Some(1.0);
    let plain = base::draw(&mut engine, &free);
    free.negative_prompt = "a dog".into();
    assert_eq!(base::draw(&mut engine, &free), plain, "without guidance the negative prompt is not looked at");
    free.guidance = Some(0.0);
    assert_eq!(base::draw(&mut engine, &free), plain, "1 or less is off");
    free.guidance = Some(4.0);
    let away = base::draw(&mut engine, &free);
    free.negative_prompt.clear();
    assert_ne!(base::draw(&mut engine, &free), away);
}

#[test]
fn another_size_is_drawn_at_that_size_and_the_first_size_again_after_it() {
    let mut engine = base::shared();
    let usual = request("a dog on grass");
    let first = base::draw(&mut engine, &usual);
    let multiple = engine.bundle().manifest().latent.multiple;
    let mut wide = usual.clone();
    (wide.width, wide.height) = (Some(first.width + multiple), Some(multiple));
    let picture = base::draw(&mut engine, &wide);
    assert_eq!((picture.width, picture.height), (first.width + multiple, multiple));
    assert_eq!(picture.rgb.len(), 3 * picture.width as usize * picture.height as usize);
    assert_eq!(base::draw(&mut engine, &usual), first);
}

#[test]
fn a_long_prompt_is_cut_with_a_warning_that_quotes_what_was_cut() {
    let mut engine = base::shared();
    let whole = format!("{}on grass with a balloon", "dog ".repeat(30));
    let generated = engine.generate(&request(&whole), &mut (), &CancelToken::new()).expect("a picture");
    let [warning] = generated.warnings.as_slice() else { panic!("{:?}", generated.warnings) };
    assert!(warning.contains("`on grass with a balloon`") && warning.contains("30"), "{warning}");
    assert_eq!(generated.pictures[0].recipe.prompt, whole, "the recipe keeps the prompt as it was written");
    assert_eq!(generated.pictures[0].picture, base::draw(&mut engine, &request(&"dog ".repeat(30))));

    let mut negative = request("a dog");
    negative.negative_prompt = whole;
    let generated = engine.generate(&negative, &mut (), &CancelToken::new()).expect("a picture");
    assert_eq!(generated.warnings.len(), 1);
    let generated = engine.generate(&request("a dog"), &mut (), &CancelToken::new()).expect("a picture");
    assert!(generated.warnings.is_empty(), "a warning is not carried over");
}

#[test]
fn timings_add_up() {
    let mut engine = base::shared();
    let mut wanted = request("a dog");
    wanted.count = 2;
    let timings = engine.generate(&wanted, &mut (), &CancelToken::new()).expect("pictures").timings;
    assert_eq!(timings.steps, 8);
    assert!(timings.unet <= timings.runtime && timings.runtime + timings.loading <= timings.total, "{timings:?}");
}
