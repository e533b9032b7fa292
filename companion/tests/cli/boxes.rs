//! Words drawn in a part of the picture.

use cones_core::Picture;

use crate::tool::{Desk, fail, models, succeed, text};

fn arguments<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let first = ["generate", "--prompt", "a dog and an apple on grass", "--steps", "2", "--threads", "1", "--out", out];
    first.into_iter().chain(more.iter().copied()).collect()
}

#[test]
fn boxes_are_drawn_kept_in_the_recipe_and_drawn_again_from_it() {
    let desk = Desk::new();
    let (plain, boxed, again) = (desk.path("plain.png"), desk.path("boxed.png"), desk.path("again.png"));
    desk.done(&arguments(&plain, &[]));
    desk.done(&arguments(&boxed, &["--box", "dog=0.5,0,1,1", "--box", "an apple=0, 0, 0.5, 1"]));
    let [one, other] = [&plain, &boxed].map(|path| Picture::open(path.as_ref()).expect("a picture"));
    assert_ne!(one, other);
    let recipe = desk.json(&["recipe", "--json", &boxed]);
    let boxes = recipe["boxes"].as_array().expect("boxes");
    assert_eq!((boxes.len(), &boxes[1]["words"], &boxes[1]["right"]), (2, &"an apple".into(), &0.5.into()));
    desk.done(&["generate", "--from", &boxed, "--threads", "1", "--out", &again]);
    assert_eq!(std::fs::read(&boxed).expect("a file"), std::fs::read(&again).expect("a file"));
}

#[test]
fn subjects_apart_have_a_part_of_the_picture_each() {
    let desk = Desk::new();
    let [dog, owl] = ["dog", "owl"].map(|word| models(&format!("packs/fluent-{word}.cones")));
    let draw = |out: &str, prompt: &str, more: &[&str]| {
        let all = [
            "generate",
            "-p",
            prompt,
            "-s",
            text(&owl),
            "-s",
            text(&dog),
            "--steps",
            "2",
            "--threads",
            "1",
            "--out",
            out,
        ];
        desk.cones(&[&all, more].concat())
    };
    let (apart, placed) = (desk.path("apart.png"), desk.path("placed.png"));
    let both = "a {fluent-dog} and an {fluent-owl} on grass";
    succeed(draw(&apart, both, &["--apart"]));
    succeed(draw(&placed, both, &["--box", "{fluent-owl}=0,0.25,0.5,0.75", "--box", "{fluent-dog}=0.5,0.25,1,0.75"]));
    assert_eq!(std::fs::read(&apart).expect("a file"), std::fs::read(&placed).expect("a file"));
    let out = desk.path("x.png");
    let one = fail(2, draw(&out, "a {fluent-dog} on grass", &["--apart"]));
    assert!(one.contains("several subjects"), "{one}");
    let twice = fail(2, draw(&out, both, &["--apart", "--box", "grass=0,0,1,1"]));
    assert!(twice.contains("--box"), "{twice}");
    assert!(!std::path::Path::new(&out).exists());
}

#[test]
fn packs_are_judged_apart() {
    let desk = Desk::new();
    let (prompts, drawn) = (desk.path("prompts.txt"), desk.path("drawn"));
    std::fs::write(&prompts, "a {fluent-dog} and an {fluent-owl} on grass\na {fluent-owl} at night\n")
        .expect("written");
    let [dog, owl] = ["dog", "owl"].map(|word| models(&format!("packs/fluent-{word}.cones")));
    let (measure, all) =
        (models("toybox/measure"), ["--count", "1", "--steps", "2", "--threads", "1", "--json", "--out", &drawn]);
    let first =
        ["evaluate", "--packs", text(&dog), text(&owl), "--measure", text(&measure), "--prompts", &prompts, "--apart"];
    let refused = fail(2, desk.cones(&[&first[..], &all].concat()));
    assert!(refused.contains("--together"), "{refused}");
    let judged = desk.json(&[&first[..], &["--together"], &all].concat());
    assert_eq!(judged[0]["packs"].as_array().map(Vec::len), Some(2), "{judged}");
    // In the first line both have a box, in the second nobody is beside the owl; so also where the base model draws.
    for (side, number, boxes) in [("packs", 0, 2), ("packs", 1, 0), ("base", 0, 2), ("base", 1, 0)] {
        let recipe = desk.json(&["recipe", "--json", &format!("{drawn}/fluent-dog+fluent-owl/{side}/{number:03}.png")]);
        assert_eq!(recipe["boxes"].as_array().map_or(0, Vec::len), boxes, "{side} {number}: {recipe}");
    }
}

#[test]
fn what_is_no_box_is_told_before_anything_is_drawn() {
    let desk = Desk::new();
    let out = desk.path("x.png");
    for (status, given, words) in [
        (2, "dog", "four shares"),
        (1, "dog=0.5,0,0.2,1", "shares of the picture"),
        (1, "cat=0,0,1,1", "`cat`, which is not in the prompt"),
        (1, "{rex}=0,0,1,1", "no subject of the request has that name"),
    ] {
        let said = fail(status, desk.cones(&arguments(&out, &["--box", given])));
        assert!(said.contains(words), "{given}: {said}");
    }
    assert!(!std::path::Path::new(&out).exists());
}
