//! Words drawn in a part of the picture.

use cones_core::Picture;

use crate::tool::{Desk, fail};

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
