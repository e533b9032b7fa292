//! Variations and large pictures in two passes against diffusers on the CPU in float32. Vectors: `tests/golden/make_variation.py`.

use cones_core::{Hires, Picture, Request, Variation};
use cones_tests::psnr::psnr;
use cones_tests::{base, golden};
use serde::Deserialize;

use super::asked::LEAST;

#[derive(Deserialize)]
struct Golden {
    fingerprint: String,
    prompt: String,
    steps: u32,
    guidance: f32,
    variations: Vec<Varied>,
    hires: Vec<Large>,
}

#[derive(Deserialize)]
struct Varied {
    seed: u64,
    variation_seed: u64,
    strength: f32,
}

#[derive(Deserialize)]
struct Large {
    seed: u64,
    scale: f32,
    strength: f32,
    steps: u32,
}

impl Golden {
    fn open() -> Self {
        let golden: Self = golden::json("variation/variation.json");
        golden::check_weights(&golden.fingerprint, &base::bundle());
        golden
    }

    fn request(&self, seed: u64) -> Request {
        let request = Request::new(&self.prompt).with_seed(seed).with_steps(self.steps).with_guidance(self.guidance);
        request.with_scheduler(cones_core::sampling::scheduler::Scheduler::Ddim)
    }
}

/// Pictures of any size that stand beside each other, by the pixels at which each begins.
fn part(sheet: &Picture, left: u32, width: u32, height: u32) -> Picture {
    let lines = sheet.rgb.chunks_exact(3 * sheet.width as usize).take(height as usize);
    let rgb = lines.flat_map(|line| &line[3 * left as usize..3 * (left + width) as usize]).copied().collect();
    Picture { width, height, rgb }
}

#[test]
fn variations_are_diffusers_with_that_noise() {
    let golden = Golden::open();
    let sheet = Picture::open(&golden::path("variation/variation.png")).expect("a sheet");
    for (i, case) in (0..).zip(&golden.variations) {
        let varied = golden.request(case.seed).with_variation(Variation::new(case.variation_seed, case.strength));
        let picture = base::draw(&mut base::shared(), &varied);
        let (width, height) = (picture.width, picture.height);
        let likeness = psnr(&picture, &part(&sheet, i * width, width, height));
        println!("variation.png {likeness:6.2} dB  {} of seed {}", case.strength, case.variation_seed);
        assert!(likeness >= LEAST, "{likeness:.2} dB");
        let own = base::draw(&mut base::shared(), &golden.request(case.seed));
        assert!(psnr(&own, &picture) < likeness - 10.0, "it would notice");
    }
}

#[test]
fn large_pictures_are_diffusers_in_two_passes() {
    let golden = Golden::open();
    let sheet = Picture::open(&golden::path("variation/hires.png")).expect("a sheet");
    let mut left = 0;
    for case in &golden.hires {
        let hires = Hires::new(case.scale).with_strength(case.strength).with_steps(case.steps);
        let picture = base::draw(&mut base::shared(), &golden.request(case.seed).with_hires(hires));
        let likeness = psnr(&picture, &part(&sheet, left, picture.width, picture.height));
        left += picture.width;
        println!("hires.png {likeness:6.2} dB  {} times", case.scale);
        assert!(likeness >= LEAST, "{} times: {likeness:.2} dB", case.scale);
    }
    assert_eq!(left, sheet.width);
}
