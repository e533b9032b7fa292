//! Whole pictures against diffusers' on the CPU in float32. Vectors: `tests/golden/make_pictures.py`.

use cones_core::{ConceptMask, Init, Picture, Request, Subject};
use cones_tests::psnr::psnr;
use cones_tests::sheet::Sheet;
use cones_tests::{base, golden};
use serde::Deserialize;

use super::asked::LEAST;

#[derive(Deserialize)]
struct Golden {
    fingerprint: String,
    guidance: f32,
    mask: Mask,
    prompts: Vec<Prompt>,
    schedulers: Vec<Scheduler>,
    img2img: Vec<FromPicture>,
}

#[derive(Deserialize)]
struct Mask {
    share: f64,
    seed: u64,
    neurons: usize,
}

#[derive(Deserialize)]
struct Prompt {
    prompt: String,
    negative_prompt: String,
    seed: u64,
}

#[derive(Deserialize)]
struct Scheduler {
    name: String,
    steps: u32,
}

#[derive(Deserialize)]
struct FromPicture {
    scheduler: String,
    prompt: usize,
    strength: f32,
}

impl Golden {
    fn open() -> Self {
        let golden: Self = golden::json("pictures/pictures.json");
        golden::check_weights(&golden.fingerprint, &base::bundle());
        golden
    }

    fn request(&self, prompt: &Prompt, scheduler: &Scheduler) -> Request {
        let mut request = Request::new(&prompt.prompt);
        request.negative_prompt.clone_from(&prompt.negative_prompt);
        request.seed = prompt.seed;
        request.guidance = Some(self.guidance);
        request.scheduler = Some(scheduler.name.parse().expect("a scheduler"));
        request.steps = Some(scheduler.steps);
        request
    }

    /// Compares every prompt by every scheduler with a sheet, `subjects` switched on. The pictures must not be as like
    /// those of the sheet `other`: it tells whether the comparison would notice.
    fn compare(&self, sheet: &str, subjects: &[Subject], other: &str) {
        let mut engine = base::shared();
        let (cells, others) = (open_sheet(&format!("pictures/{sheet}")), open_sheet(&format!("pictures/{other}")));
        let mut lowest = f64::INFINITY;
        for (row, prompt) in self.prompts.iter().enumerate() {
            for (column, scheduler) in self.schedulers.iter().enumerate() {
                let mut request = self.request(prompt, scheduler);
                request.subjects = subjects.to_vec();
                let picture = base::draw(&mut engine, &request);
                let likeness = psnr(&picture, &cells.cell(column, row));
                let confusion = psnr(&picture, &others.cell(column, row));
                let place = format!("{:15} {:?}", scheduler.name, prompt.prompt);
                println!("{sheet} {likeness:6.2} dB ({other} {confusion:5.2} dB)  {place}");
                assert!(confusion + 10.0 < likeness, "{place}: as like {other} as {sheet}");
                lowest = lowest.min(likeness);
            }
        }
        assert!(lowest >= LEAST, "{sheet}: {lowest:.2} dB");
    }
}

fn open_sheet(name: &str) -> Sheet {
    let size = base::bundle().manifest().image;
    Sheet::open(name, (size.width, size.height))
}

#[test]
fn pictures_are_diffusers() {
    Golden::open().compare("base.png", &[], "masked.png");
}

#[test]
fn pictures_with_weights_shut_are_diffusers() {
    let golden = Golden::open();
    let mask = ConceptMask::random(&base::bundle().manifest().layers, golden.mask.share, golden.mask.seed);
    assert_eq!(mask.count(), golden.mask.neurons, "the script shuts the same neurons");
    golden.compare("masked.png", &[Subject::new("random", mask)], "base.png");
}

#[test]
fn pictures_from_pictures_are_diffusers() {
    let golden = Golden::open();
    let (sheet, starts) = (open_sheet("pictures/img2img.png"), open_sheet("pictures/base.png"));
    for (column, case) in golden.img2img.iter().enumerate() {
        let place = golden.schedulers.iter().position(|s| s.name == case.scheduler).expect("a scheduler");
        let start: Picture = starts.cell(place, (case.prompt + 1) % golden.prompts.len());
        let mut request = golden.request(&golden.prompts[case.prompt], &golden.schedulers[place]);
        request.init = Some(Init::new(start, case.strength));
        let likeness = psnr(&base::draw(&mut base::shared(), &request), &sheet.cell(column, 0));
        println!("img2img.png {likeness:6.2} dB  {}", case.scheduler);
        assert!(likeness >= LEAST, "{}: {likeness:.2} dB", case.scheduler);
    }
}
