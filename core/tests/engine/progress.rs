//! What an observer hears.

use cones_core::{CancelToken, Drawn, Engine, Error, Init, MemoryMode, Observer, Picture, Progress, Stage};
use cones_tests::base;
use cones_tests::psnr::correlation;

use super::request;

#[derive(Default)]
struct Ear {
    heard: Vec<(Stage, u32, u32, u32)>,
    previews: Vec<(u32, Picture)>,
    wants: bool,
}

impl Observer for Ear {
    fn on_progress(&mut self, progress: &Progress) {
        self.heard.push((progress.stage, progress.picture, progress.step, progress.steps));
        assert!(progress.picture < progress.pictures);
        if let Some(preview) = &progress.preview {
            assert_eq!(progress.stage, Stage::Denoising);
            self.previews.push((progress.step, preview.clone()));
        }
    }

    fn wants_preview(&mut self, step: u32) -> bool {
        self.wants && step.is_multiple_of(2)
    }
}

#[test]
fn stages_come_in_order_and_steps_are_counted() {
    let mut ear = Ear::default();
    let mut wanted = request("a dog");
    wanted.steps = Some(3);
    wanted.count = 2;
    base::shared().generate(&wanted, &mut ear, &CancelToken::new()).expect("pictures");
    let expected = [
        (Stage::Preparing, 0, 0, 3),
        (Stage::Denoising, 0, 1, 3),
        (Stage::Denoising, 0, 2, 3),
        (Stage::Denoising, 0, 3, 3),
        (Stage::Decoding, 0, 3, 3),
        (Stage::Finished, 0, 3, 3),
        (Stage::Denoising, 1, 1, 3),
        (Stage::Denoising, 1, 2, 3),
        (Stage::Denoising, 1, 3, 3),
        (Stage::Decoding, 1, 3, 3),
        (Stage::Finished, 1, 3, 3),
    ];
    assert_eq!(ear.heard, expected);
    assert!(ear.previews.is_empty(), "nobody asked for previews");
}

#[test]
fn from_a_picture_fewer_steps_are_made_and_said() {
    let mut engine = base::shared();
    let mut wanted = request("a dog");
    let start = base::draw(&mut engine, &wanted);
    wanted.steps = Some(10);
    wanted.init = Some(Init::new(start, 0.3));
    let mut ear = Ear::default();
    engine.generate(&wanted, &mut ear, &CancelToken::new()).expect("a picture");
    let steps: Vec<_> = ear.heard.iter().filter(|h| h.0 == Stage::Denoising).map(|h| (h.2, h.3)).collect();
    assert_eq!(steps, [(1, 3), (2, 3), (3, 3)]);
}

#[test]
fn previews_come_when_asked_for_and_end_like_the_picture() {
    let mut engine = base::shared();
    let mut wanted = request("a red apple on a blue background");
    wanted.steps = Some(12);
    let mut ear = Ear { wants: true, ..Ear::default() };
    let generated = engine.generate(&wanted, &mut ear, &CancelToken::new()).expect("a picture");
    let picture = &generated.pictures[0].picture;
    let asked: Vec<u32> = ear.previews.iter().map(|(step, _)| *step).collect();
    assert_eq!(asked, [2, 4, 6, 8, 10, 12]);
    let scale = engine.bundle().manifest().latent.scale;
    let (_, last) = ear.previews.last().expect("a preview");
    assert_eq!((last.width * scale, last.height * scale), (picture.width, picture.height));
    let small = shrunk(picture, scale as usize);
    let likeness = |preview: &Picture| {
        let values: Vec<f64> = preview.rgb.iter().map(|&b| f64::from(b)).collect();
        correlation(&values, &small)
    };
    let all: Vec<_> = ear.previews.iter().map(|(_, p)| (likeness(p) * 100.0).round() / 100.0).collect();
    println!("correlation of the previews with the picture: {all:?}");
    assert!(likeness(last) > 0.8, "{all:?}");

    wanted.subjects.clear();
    assert_eq!(*picture, base::draw(&mut engine, &wanted), "previews change nothing");
}

/// Means over squares of `side` pixels, channel by channel.
fn shrunk(picture: &Picture, side: usize) -> Vec<f64> {
    let (width, height) = (picture.width as usize / side, picture.height as usize / side);
    let pixel = |x: usize, y: usize, c: usize| f64::from(picture.rgb[3 * (y * picture.width as usize + x) + c]);
    let square = |x: usize, y: usize, c: usize| -> f64 {
        (0..side * side).map(|i| pixel(x * side + i % side, y * side + i / side, c)).sum::<f64>() / (side * side) as f64
    };
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places.flat_map(|(x, y)| [0, 1, 2].map(|c| square(x, y, c))).collect()
}

/// Keeps every picture, and stops the request at the second.
struct Keeper {
    kept: Vec<u64>,
    cancel: CancelToken,
}

impl Observer for Keeper {
    fn on_progress(&mut self, _: &Progress) {}

    fn on_picture(&mut self, drawn: Drawn) -> Option<Drawn> {
        self.kept.push(drawn.recipe.seed);
        if self.kept.len() == 2 {
            self.cancel.cancel();
        }
        None
    }
}

#[test]
fn pictures_come_one_by_one_and_what_was_kept_outlasts_a_cancel() {
    let mut wanted = request("a dog");
    wanted.steps = Some(2);
    wanted.count = 30;
    for memory in [MemoryMode::Resident, MemoryMode::Least] {
        let mut engine = Engine::new(base::bundle(), base::options().with_memory(memory)).expect("an engine");
        let mut keeper = Keeper { kept: Vec::new(), cancel: CancelToken::new() };
        let cancel = keeper.cancel.clone();
        let stopped = engine.generate(&wanted, &mut keeper, &cancel);
        assert!(matches!(stopped, Err(Error::Cancelled)), "{memory:?}");
        assert_eq!(keeper.kept, [11, 12], "{memory:?}");
    }
    wanted.count = 1;
    let mut keeper = Keeper { kept: Vec::new(), cancel: CancelToken::new() };
    let generated = base::shared().generate(&wanted, &mut keeper, &CancelToken::new()).expect("a picture");
    assert!(generated.pictures.is_empty() && keeper.kept.len() == 1);
}
