//! Pictures in and out.

use std::sync::Arc;

use cones::{
    ConesError, Engine, InitPicture, Inpaint, Margins, Picture, Request, Scheduler, Style, bundle_info, read_recipe,
    read_styles,
};

use cones_tests::base::side;

use crate::base::{bundle, drawn, engine, folder, options, request, within};

#[test]
fn a_saved_picture_has_its_recipe_and_its_pixels() {
    let folder = folder();
    let path = within(&folder, "p.png");
    let generated = engine().generate(request(2), None, None).expect("a picture");
    let picture = &generated.pictures[0];
    picture.save(path.clone()).expect("saved");
    let recipe = read_recipe(path.clone()).expect("a recipe");
    assert_eq!(Some(&recipe), picture.recipe().as_ref());
    assert_eq!((recipe.prompt.as_str(), recipe.seed, recipe.steps), ("a dog on grass", 7, 2));
    assert!(recipe.parameters.starts_with("a dog on grass\nSteps: 2, Sampler: DDIM"), "{}", recipe.parameters);
    let opened = Picture::open(path).expect("a picture");
    assert_eq!((opened.width(), opened.height()), (picture.width(), picture.height()));
    assert_eq!(opened.rgba(), picture.rgba());
    assert_eq!(opened.recipe(), picture.recipe());
}

#[test]
fn the_same_file_as_the_core_writes() {
    let folder = folder();
    let (ours, theirs) = (within(&folder, "ours.png"), within(&folder, "theirs.png"));
    let generated = engine().generate(request(2), None, None).expect("a picture");
    generated.pictures[0].save(ours.clone()).expect("saved");
    let mut core = cones_tests::base::engine();
    let mut wanted = cones_core::Request::new("a dog on grass");
    (wanted.steps, wanted.seed) = (Some(2), 7);
    let drawn = core.generate(&wanted, &mut (), &cones_core::CancelToken::new()).expect("a picture");
    let first = &drawn.pictures[0];
    cones_core::picture::writing::save(&first.picture, &first.recipe, theirs.as_ref()).expect("saved");
    assert_eq!(std::fs::read(ours).expect("a file"), std::fs::read(theirs).expect("a file"));
}

#[test]
fn a_picture_of_the_host_can_be_started_from() {
    let rgba = drawn(request(2));
    let side = side();
    let picture = Picture::from_rgba(side, side, &rgba).expect("a picture");
    assert_eq!(picture.rgba(), rgba);
    assert!(picture.recipe().is_none());
    let from = |strength| Request {
        init: Some(InitPicture { picture: picture.clone(), strength, inpaint: None }),
        ..request(4)
    };
    let near = drawn(from(0.25));
    let far = drawn(from(1.0));
    let distance = |other: &[u8]| rgba.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
    assert!(distance(&near) < distance(&far), "{} and {}", distance(&near), distance(&far));
    // Without a recipe it is saved all the same.
    let folder = folder();
    picture.save(within(&folder, "p.png")).expect("saved");
    assert!(matches!(read_recipe(within(&folder, "p.png")), Err(ConesError::BadPicture { .. })));
    assert_eq!(Picture::open(within(&folder, "p.png")).expect("a picture").rgba(), rgba);
}

fn inpaint() -> Inpaint {
    Inpaint { mask_image: None, grow: 0, feather: 0, padding_mask_crop: None, outpaint: None }
}

#[test]
fn a_region_is_drawn_anew_and_all_else_keeps_its_bytes() {
    let rgba = drawn(request(2));
    let side = side();
    let picture = Picture::from_rgba(side, side, &rgba).expect("a picture");
    // The lower right quarter.
    let across = side as usize;
    let inside = |pixel: usize| pixel % across >= across / 2 && pixel / across >= across / 2;
    let mask = (0..across * across).flat_map(|pixel| if inside(pixel) { [255; 4] } else { [0, 0, 0, 255] });
    let mask_image = Some(Picture::from_rgba(side, side, &mask.collect::<Vec<u8>>()).expect("a picture"));
    let asked = |inpaint| Request {
        init: Some(InitPicture { picture: Arc::clone(&picture), strength: 1.0, inpaint: Some(inpaint) }),
        ..request(2)
    };
    let part = Inpaint { mask_image: mask_image.clone(), padding_mask_crop: Some(4), ..inpaint() };
    for region in [Inpaint { mask_image, ..inpaint() }, part] {
        let again = drawn(asked(region));
        let changed: Vec<usize> = (0..across * across).filter(|p| rgba[4 * p..][..4] != again[4 * p..][..4]).collect();
        assert!(changed.len() > 500 && changed.iter().all(|pixel| inside(*pixel)), "{}", changed.len());
    }

    let strip = Margins { left: 0, top: 0, right: side / 2, bottom: 0 };
    let outpaint = Inpaint { outpaint: Some(strip), ..inpaint() };
    let generated = engine().generate(asked(outpaint), None, None).expect("a picture");
    let wide = &generated.pictures[0];
    assert_eq!((wide.width(), wide.height()), (side + side / 2, side));
    let inner = |row: &[u8]| row[..4 * across].to_vec();
    let rows = wide.rgba().chunks(4 * (across + across / 2)).map(inner).collect::<Vec<_>>().concat();
    assert_eq!(rows, rgba, "the picture is in it");
    let recipe = wide.recipe().and_then(|recipe| recipe.init?.inpaint).expect("a recipe of inpainting");
    assert_eq!((recipe.outpaint, recipe.mask_image_sha256), (strip, None));
    let refused = engine().generate(asked(inpaint()), None, None).expect_err("nothing is masked");
    assert!(matches!(&refused, ConesError::BadRequest { details, .. } if details.contains("mask_image")), "{refused}");
}

#[test]
fn brackets_weigh_words_where_that_is_asked_for() {
    let ask = |prompt: &str, prompt_weights| Request { prompt: prompt.into(), prompt_weights, ..request(2) };
    let brackets = "a (dog:1.4) on grass";
    let (text, weighed) = (drawn(ask(brackets, false)), drawn(ask(brackets, true)));
    assert_ne!(text, weighed);
    assert_eq!(drawn(ask("a (dog:1) on grass", true)), drawn(ask("a dog on grass", false)));
    let generated = engine().generate(ask(brackets, true), None, None).expect("a picture");
    assert!(generated.pictures[0].recipe().is_some_and(|recipe| recipe.prompt_weights));
    let refused = engine().generate(ask("a dog AND a cat", true), None, None);
    assert!(matches!(refused, Err(ConesError::BadRequest { .. })));
}

#[test]
fn words_are_drawn_in_their_boxes_and_the_recipe_says_so() {
    let boxes = vec![cones::WordBox { words: "dog".into(), left: 0.5, top: 0.0, right: 1.0, bottom: 1.0 }];
    let generated = engine().generate(Request { boxes: boxes.clone(), ..request(2) }, None, None).expect("a picture");
    assert_eq!(generated.pictures[0].recipe().map(|recipe| recipe.boxes), Some(boxes.clone()));
    assert_ne!(drawn(Request { boxes, ..request(2) }), drawn(request(2)));
}

#[test]
fn variations_and_large_pictures_are_drawn_and_said() {
    let variation = Some(cones::Variation { seed: 3, strength: 0.5 });
    let hires = Some(cones::Hires { scale: 1.5, strength: 0.5, steps: None });
    let generated = engine().generate(Request { variation, hires, ..request(2) }, None, None).expect("a picture");
    let picture = &generated.pictures[0];
    let recipe = picture.recipe().expect("a recipe");
    assert_eq!((recipe.variation, recipe.hires, recipe.width), (variation, hires, side()));
    let large = side() as usize * 3 / 2;
    assert_eq!(picture.rgba().len(), 4 * large * large);
    assert_ne!(drawn(Request { variation, ..request(2) }), drawn(request(2)));
    let none = Some(cones::Hires { scale: 1.0, strength: 0.5, steps: None });
    let refused = engine().generate(Request { hires: none, ..request(2) }, None, None).expect_err("not larger");
    assert!(matches!(&refused, ConesError::BadRequest { details, .. } if details.contains("hires")), "{refused}");
}

#[test]
fn bytes_of_another_size_are_refused() {
    for (width, height, bytes) in [(2, 2, 15), (0, 0, 0), (u32::MAX, u32::MAX, 16)] {
        let refused = Picture::from_rgba(width, height, &vec![0; bytes]);
        assert!(matches!(refused, Err(ConesError::BadRequest { .. })), "{width}x{height}");
    }
}

#[test]
fn the_sequential_mode_draws_the_same() {
    let memory = Some(cones::MemoryMode::Sequential);
    let engine = Engine::open(bundle(), None, cones::EngineOptions { memory, ..options() }).expect("an engine");
    let generated = engine.generate(request(2), None, None).expect("a picture");
    assert_eq!(generated.pictures[0].rgba(), drawn(request(2)));
    assert!(generated.timings.total >= generated.timings.runtime && generated.timings.runtime > 0.0);
    assert_eq!(generated.timings.steps, 2);
}

#[test]
fn a_style_stands_around_the_words_and_gives_what_the_request_leaves_out() {
    let folder = folder();
    let file = within(&folder, "styles.json");
    let list = r#"[{"name": "Night", "prompt": "{prompt} at night", "scheduler": "tcd", "eta": 0.5, "guidance": 3, "steps": 9}]"#;
    std::fs::write(&file, list).expect("a file");
    let styles = read_styles(file.clone()).expect("styles");
    let night = Style { prompt: "{prompt} at night".into(), ..styles[0].clone() };
    assert_eq!((styles.len(), &night, night.scheduler), (1, &styles[0], Some(Scheduler::Tcd)));
    let asked = Request { style: Some(night), guidance_rescale: Some(0.7), ..request(2) };
    let recipe = engine().generate(asked, None, None).expect("a picture").pictures[0].recipe().expect("a recipe");
    assert_eq!((recipe.prompt.as_str(), recipe.steps, recipe.guidance), ("a dog on grass at night", 2, 3.0));
    assert_eq!((recipe.scheduler.as_str(), recipe.eta, recipe.guidance_rescale), ("tcd", Some(0.5), 0.7));
    std::fs::write(&file, r#"[{"name": "x", "step": 1}]"#).expect("a file");
    let refused = read_styles(file).expect_err("no such field");
    assert!(matches!(&refused, ConesError::BadRequest { details, .. } if details == "style"), "{refused:?}");
}

#[test]
fn a_bundle_tells_its_presets() {
    let copy = cones_tests::hostile::Copy::new();
    copy.edit(|manifest| manifest["presets"] = r#"[{ "name": "fast", "steps": 4 }]"#.parse().expect("JSON"));
    let info = bundle_info(copy.path().display().to_string()).expect("a bundle");
    let fast = Style { name: "fast".into(), steps: Some(4), ..Style::default() };
    assert_eq!((info.presets, info.steps), (vec![fast], 20));
}
