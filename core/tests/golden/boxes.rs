//! Words drawn in boxes against diffusers' StableDiffusionPipeline with PyTorch's own attention mask, on the CPU in float32. Vectors:
//! `tests/golden/make_boxes.py`.

use cones_core::WordBox;
use cones_tests::psnr::psnr;
use cones_tests::sheet::Sheet;
use cones_tests::{base, golden};
use serde::Deserialize;

use super::asked::{Asked, LEAST};

#[derive(Deserialize)]
struct Golden {
    fingerprint: String,
    guidance: f32,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    asked: Asked,
    boxes: Vec<Boxed>,
}

#[derive(Deserialize)]
struct Boxed {
    words: String,
    sides: [f32; 4],
}

#[test]
fn words_in_boxes_are_drawn_as_with_an_attention_mask() {
    let golden: Golden = golden::json("boxes/boxes.json");
    golden::check_weights(&golden.fingerprint, &base::bundle());
    let size = base::bundle().manifest().image;
    let sheet = Sheet::open("boxes/boxes.png", (size.width, size.height));
    let mut lowest = f64::INFINITY;
    for (column, case) in golden.cases.iter().enumerate() {
        let mut request = case.asked.request(golden.guidance);
        let plain = base::draw(&mut base::shared(), &request);
        request.boxes = case.boxes.iter().map(|boxed| WordBox::new(&boxed.words, boxed.sides)).collect();
        let picture = base::draw(&mut base::shared(), &request);
        let expected = sheet.cell(column, 0);
        let (likeness, without) = (psnr(&picture, &expected), psnr(&plain, &expected));
        println!(
            "boxes.png {likeness:6.2} dB, without boxes {without:6.2} dB  {} {}",
            case.asked.scheduler, case.asked.prompt
        );
        assert!(case.boxes.is_empty() || without < 25.0, "the boxes are what makes it: {without:.2} dB");
        lowest = lowest.min(likeness);
    }
    assert!(lowest >= LEAST, "{lowest:.2} dB");
}
