//! Words of the prompt drawn in a part of the picture.

use cones_core::{CancelToken, Engine, Error, Hires, Init, Inpaint, MemoryMode, Picture, Request, WordBox};
use cones_tests::base;
use cones_tests::psnr::psnr;

use super::{request, subject};

const RIGHT: [f32; 4] = [0.5, 0.0, 1.0, 1.0];
const LEFT: [f32; 4] = [0.0, 0.0, 0.5, 1.0];

fn boxed(words: &str, sides: [f32; 4]) -> Request {
    request("a dog and an apple on grass").with_box(WordBox::new(words, sides))
}

fn reason(request: &Request) -> String {
    match base::shared().generate(request, &mut (), &CancelToken::new()) {
        Err(Error::BadRequest { field: "boxes", reason, .. }) => reason,
        other => panic!("{:?}", other.map(drop)),
    }
}

#[test]
fn a_picture_without_boxes_is_the_same_to_the_bit_after_one_with() {
    let mut engine = base::shared();
    let plain = request("a dog and an apple on grass");
    let before = base::draw(&mut engine, &plain);
    let (left, right) = (boxed("dog", LEFT), boxed("dog", RIGHT));
    let [left, right] = [left, right].map(|request| base::draw(&mut engine, &request));
    assert!(left != right && left != before);
    assert_eq!(base::draw(&mut engine, &plain), before);
}

#[test]
fn every_memory_mode_draws_them() {
    let wanted = boxed("dog", RIGHT).with_box(WordBox::new("apple", LEFT));
    let expected = base::draw(&mut base::shared(), &wanted);
    for memory in [MemoryMode::Sequential, MemoryMode::Least] {
        let mut engine = Engine::new(base::bundle(), base::options().with_memory(memory)).expect("an engine");
        let likeness = psnr(&base::draw(&mut engine, &wanted), &expected);
        assert!(likeness >= 60.0, "{likeness} dB with {memory:?}");
    }
}

#[test]
fn a_subject_is_boxed_by_its_name() {
    let mut engine = base::shared();
    let mut own = subject(engine.bundle(), 1);
    (own.name, own.trigger) = ("rex".into(), "<v1> dog".into());
    let with = |words: &str| {
        let request = request("a {rex} and an apple on grass").with_subject(own.clone());
        request.with_box(WordBox::new(words, RIGHT)).filled().expect("a prompt")
    };
    let named = base::draw(&mut engine, &with("{rex}"));
    assert_eq!(base::draw(&mut engine, &with("<v1> dog")), named);
    assert_ne!(base::draw(&mut engine, &with("apple")), named);
    drop(engine);
    assert!(reason(&with("{max}")).contains("no subject"));
}

#[test]
fn they_go_along_into_the_second_pass_and_with_a_region() {
    let mut engine = base::shared();
    let large = boxed("dog", RIGHT).with_hires(Hires::new(1.5));
    let plain = request("a dog and an apple on grass").with_hires(Hires::new(1.5));
    assert_ne!(base::draw(&mut engine, &large), base::draw(&mut engine, &plain));
    let white = Picture { width: 8, height: 8, rgb: vec![255; 192] };
    let side = base::side();
    let start = Init::new(Picture { width: side, height: side, rgb: vec![90; (side * side * 3) as usize] }, 1.0);
    let within = |inpaint: Inpaint| boxed("dog", RIGHT).with_init(start.clone().with_inpaint(inpaint));
    base::draw(&mut engine, &within(Inpaint::new(white.clone())));
    drop(engine);
    let cropped = within(Inpaint::new(white).with_padding_mask_crop(2));
    assert!(reason(&cropped).contains("padding_mask_crop"));
}

#[test]
fn what_is_no_box_is_refused_with_its_words() {
    assert!(reason(&boxed("cat", RIGHT)).contains("`cat`, which is not in the prompt"));
    assert!(reason(&boxed("dog", [0.5, 0.0, 0.25, 1.0])).contains("shares of the picture"));
    assert!(reason(&boxed(" ", RIGHT)).contains("without words"));
    let mut many = boxed("dog", RIGHT);
    many.boxes = vec![many.boxes[0].clone(); WordBox::MOST + 1];
    assert!(reason(&many).contains("there may be"));
}

#[test]
fn the_recipe_says_them() {
    let generated = base::shared().generate(&boxed("dog", RIGHT), &mut (), &CancelToken::new()).expect("a picture");
    let recipe = &generated.pictures[0].recipe;
    assert_eq!(recipe.boxes, [WordBox::new("dog", RIGHT)]);
    assert!(recipe.parameters().contains("Box: \"dog:0.5:0:1:1\""), "{}", recipe.parameters());
}
