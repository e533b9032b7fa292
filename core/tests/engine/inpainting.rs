//! Pictures drawn anew in part: what stays, what is drawn, and what is refused.

use cones_core::model::manifest::Manifest;
use cones_core::{CancelToken, Error, Init, Inpaint, Margins, MemoryMode, Picture, Progress, Request};
use cones_tests::base;

use super::{request, subject};

/// Every pixel another.
fn photo(width: u32, height: u32) -> Picture {
    let rgb = (0..3 * width * height).map(|i| (i * 37 % 251) as u8).collect();
    Picture { width, height, rgb }
}

/// White inside, black outside.
fn mask(width: u32, height: u32, white: impl Fn(u32, u32) -> bool) -> Picture {
    let pixel = |i: u32| [if white(i % width, i / width) { 255 } else { 0 }; 3];
    Picture { width, height, rgb: (0..width * height).flat_map(pixel).collect() }
}

fn asked(picture: &Picture, inpaint: Inpaint) -> Request {
    let mut request = request("a dog on grass");
    request.init = Some(Init::new(picture.clone(), 1.0).with_inpaint(inpaint));
    request
}

/// The places of the pixels that differ.
fn changed(one: &Picture, other: &Picture) -> Vec<(u32, u32)> {
    assert_eq!((one.width, one.height), (other.width, other.height));
    let pixels = one.rgb.chunks(3).zip(other.rgb.chunks(3)).zip(0..);
    pixels.filter(|((one, other), _)| one != other).map(|(_, i)| (i % one.width, i / one.width)).collect()
}

#[test]
fn a_subject_is_drawn_into_a_photo_whose_bytes_stay() {
    let photo = photo(200, 120);
    let inside = |x: u32, y: u32| (140..180).contains(&x) && (60..100).contains(&y);
    let region = Inpaint::new(mask(200, 120, inside)).with_padding_mask_crop(8);
    let plain = base::draw(&mut base::shared(), &asked(&photo, region.clone()));
    let mut with_subject = asked(&photo, region);
    with_subject.subjects = vec![subject(base::shared().bundle(), 1)];
    let subject = base::draw(&mut base::shared(), &with_subject);
    for drawn in [&plain, &subject] {
        let changed = changed(drawn, &photo);
        assert!(changed.len() > 1500 && changed.iter().all(|(x, y)| inside(*x, *y)), "{}", changed.len());
    }
    assert!(changed(&plain, &subject).len() > 500, "the subject is in it");
}

#[test]
fn strips_around_a_picture_make_it_larger() {
    let own = base::draw(&mut base::shared(), &request("a dog on grass"));
    let (side, left) = (base::side(), base::side() / 2);
    let row = |pixels: u32| 3 * pixels as usize;
    let strip = Inpaint::outpaint(Margins { left, ..Margins::default() });
    let wide = base::draw(&mut base::shared(), &asked(&own, strip.clone()));
    assert_eq!((wide.width, wide.height), (left + side, side));
    let right = wide.rgb.chunks(row(left + side)).flat_map(|r| &r[row(left)..]).copied().collect::<Vec<u8>>();
    assert_eq!(right, own.rgb);
    // Grown and softened, it reaches into the picture.
    let soft = base::draw(&mut base::shared(), &asked(&own, strip.with_grow(4).with_feather(2)));
    let right = soft.rgb.chunks(row(left + side)).flat_map(|r| &r[row(left + 16)..]).copied().collect::<Vec<u8>>();
    let inner = own.rgb.chunks(row(side)).flat_map(|r| &r[row(16)..]).copied().collect::<Vec<u8>>();
    assert_eq!(right, inner);
    assert!(changed(&soft, &wide).iter().any(|(x, _)| *x >= left));
}

#[test]
fn each_memory_mode_draws_the_same() {
    let side = base::side();
    let own = photo(side, side);
    let several = asked(&own, Inpaint::new(mask(side, side, |x, y| x < side / 2 && y > side / 3))).with_count(2);
    let options = base::options().with_memory(MemoryMode::Sequential);
    let mut sequential = cones_core::Engine::new(base::bundle(), options).expect("an engine");
    assert_eq!(base::draw_all(&mut sequential, &several), base::draw_all(&mut base::shared(), &several));
    let plan = base::shared().memory_plan(&several).expect("a plan");
    assert!(plan.stages.iter().any(|stage| stage.graph.contains("encoder")), "{:?}", plan.stages);
}

#[test]
fn a_recipe_says_what_was_drawn_anew() {
    let (own, region) = (photo(base::side(), base::side()), mask(16, 16, |x, _| x < 8));
    let hash = cones_core::Sha256::digest(&region.rgb);
    let wanted = asked(&own, Inpaint::new(region).with_grow(1).with_feather(3).with_padding_mask_crop(5));
    let generated = base::shared().generate(&wanted, &mut (), &CancelToken::new()).expect("a picture");
    assert_eq!(generated.warnings, Vec::<String>::new());
    let recipe = generated.pictures[0].recipe.init.clone().and_then(|init| init.inpaint).expect("a recipe of it");
    assert_eq!((recipe.mask_image_sha256, recipe.grow, recipe.feather), (Some(hash), 1, 3));
    assert_eq!((recipe.padding_mask_crop, recipe.outpaint), (Some(5), Margins::default()));
}

/// The field that a request is refused for, without a step.
fn refused(wanted: &Request) -> (&'static str, String) {
    let mut no_step = |progress: &Progress| assert_eq!(progress.step, 0);
    match base::shared().generate(wanted, &mut no_step, &CancelToken::new()) {
        Err(Error::BadRequest { field, reason, .. }) => (field, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn regions_that_cannot_be_drawn_are_refused() {
    let side = base::side();
    let own = photo(side, side);
    let Manifest { latent, .. } = base::bundle().manifest().clone();
    let black = mask(9, 9, |_, _| false);
    for (inpaint, field, words) in [
        (Inpaint::default(), "mask_image", "missing"),
        (Inpaint::new(Picture { width: 3, ..black.clone() }), "mask_image", "number of bytes"),
        (Inpaint::new(black.clone()), "mask_image", "black all over"),
        (Inpaint::new(black.clone()).with_padding_mask_crop(4), "mask_image", "black all over"),
        (Inpaint::new(mask(side, side, |x, y| (x, y) == (1, 1))), "mask_image", "too small"),
        (Inpaint::new(black.clone()).with_grow(2000), "grow", "1024"),
        (Inpaint::outpaint(Margins { left: 8, ..Margins::default() }), "outpaint", &format!("{} x {side}", side + 8)),
        (
            Inpaint::outpaint(Margins { left: 50_000, ..Margins::default() }),
            "outpaint",
            &format!("{} x {side}", side + 50_000),
        ),
    ] {
        let (found, reason) = refused(&asked(&own, inpaint));
        assert!(found == field && reason.contains(words), "{found}: {reason}");
    }
    assert!(8 % latent.multiple != 0, "the strip above is not a multiple");
    // As a size that is asked for it is cut.
    let strip = Inpaint::outpaint(Margins { left: 8, ..Margins::default() });
    let sized = asked(&own, strip).with_size(side, side);
    let generated = base::shared().generate(&sized, &mut (), &CancelToken::new()).expect("a picture");
    assert!(
        generated.warnings.iter().any(|warning| warning.contains(&format!("{} x {side}", side + 8))),
        "{:?}",
        generated.warnings
    );
}
