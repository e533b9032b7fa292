//! Pictures drawn anew in part against diffusers' StableDiffusionInpaintPipeline on the CPU in float32. Vectors:
//! `tests/golden/make_inpaint.py`.

use cones_core::{Init, Inpaint, Picture, Request};
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
    strength: f32,
    padding_mask_crop: Option<u32>,
}

impl Case {
    fn request(&self, guidance: f32, start: Picture, mask_image: Picture) -> Request {
        let mut inpaint = Inpaint::new(mask_image);
        inpaint.padding_mask_crop = self.padding_mask_crop;
        self.asked.request(guidance).with_init(Init::new(start, self.strength).with_inpaint(inpaint))
    }
}

/// What diffusers gives with the original where the mask is black, as it does itself with `padding_mask_crop`.
fn pasted(drawn: &Picture, start: &Picture, mask: &Picture) -> Picture {
    let blend = |((drawn, start), level): ((&u8, &u8), &u8)| {
        let level = u32::from(*level);
        ((u32::from(*drawn) * level + u32::from(*start) * (255 - level) + 127) / 255) as u8
    };
    let rgb = drawn.rgb.iter().zip(&start.rgb).zip(&mask.rgb).map(blend).collect();
    Picture { rgb, ..*drawn }
}

#[test]
fn pictures_drawn_anew_in_part_are_diffusers() {
    let golden: Golden = golden::json("inpaint/inpaint.json");
    golden::check_weights(&golden.fingerprint, &base::bundle());
    let size = base::bundle().manifest().image;
    let sheet = Sheet::open("inpaint/inpaint.png", (size.width, size.height));
    let mut lowest = f64::INFINITY;
    for (column, case) in golden.cases.iter().enumerate() {
        let [start, mask, drawn] = [0, 1, 2].map(|row| sheet.cell(column, row));
        let picture = base::draw(&mut base::shared(), &case.request(golden.guidance, start.clone(), mask.clone()));
        let expected = if case.padding_mask_crop.is_some() { drawn.clone() } else { pasted(&drawn, &start, &mask) };
        let likeness = psnr(&picture, &expected);
        println!(
            "inpaint.png {likeness:6.2} dB  {} {} (start {:.2} dB)",
            case.asked.scheduler,
            case.strength,
            psnr(&start, &drawn)
        );
        let pixels = || picture.rgb.chunks(3).zip(start.rgb.chunks(3)).zip(mask.rgb.chunks(3));
        assert!(pixels().all(|((new, own), level)| level != [0; 3] || new == own), "pixels outside keep their bytes");
        assert!(pixels().filter(|((new, own), _)| new != own).count() > 100, "something was drawn");
        lowest = lowest.min(likeness);
    }
    assert!(lowest >= LEAST, "{lowest:.2} dB");
}
