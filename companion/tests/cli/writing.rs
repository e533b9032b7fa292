//! How and where pictures are written, and pictures of other programs.

use std::path::{Path, PathBuf};

use cones_core::Picture;

use crate::tool::{Desk, stderr, text};

const QUICK: [&str; 4] = ["--steps", "2", "--threads", "1"];

fn draw(desk: &Desk, more: &[&str]) -> String {
    desk.done(&[&["generate", "-p", "a dog"], &QUICK[..], more].concat())
}

fn open(path: &str) -> Picture {
    Picture::open(path.as_ref()).expect("a picture")
}

fn foreign(name: &str) -> String {
    text(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/foreign").join(name)).to_owned()
}

#[test]
fn the_ending_says_how_a_picture_is_written_and_each_is_drawn_again() {
    let desk = Desk::new();
    let at = |name: &str| desk.path(name);
    draw(&desk, &["--seed", "3", "-o", &at("dog.png")]);
    for (name, start) in [("dog.jpg", &b"\xff\xd8\xff"[..]), ("dog.webp", b"RIFF")] {
        draw(&desk, &["--seed", "3", "-o", &at(name)]);
        assert!(desk.read(name).starts_with(start), "{name}");
        assert_eq!(desk.done(&["recipe", &at(name)]), desk.done(&["recipe", &at("dog.png")]), "{name}");
        desk.done(&["generate", "--from", &at(name), "--threads", "1", "-o", &at("again.png")]);
        assert_eq!(desk.read("again.png"), desk.read("dog.png"), "from {name}");
    }
    assert_eq!(open(&at("dog.webp")), open(&at("dog.png")));
    for name in ["dog.gif", "dog.tiff", "dog.heic"] {
        let error = desk.fails(2, &["generate", "-p", "x", "-o", &at(name)]);
        assert!(error.contains("is not written") && error.contains(".webp"), "{error}");
        assert!(!Path::new(&at(name)).exists());
    }
}

#[test]
fn standard_output_holds_the_picture_and_nothing_else() {
    let desk = Desk::new();
    draw(&desk, &["--seed", "3", "-o", &desk.path("dog.png")]);
    let arguments = [&["generate", "-p", "a dog", "--seed", "3", "-o", "-"], &QUICK[..]].concat();
    let output = desk.cones(&arguments).output().expect("cones runs");
    assert_eq!((output.status.code(), output.stdout), (Some(0), desk.read("dog.png")));
    for more in [&["-n", "2"][..], &["--json"]] {
        let error = desk.fails(2, &[&arguments[..], more].concat());
        assert!(error.contains("standard output"), "{error}");
    }
}

#[test]
fn many_pictures_come_with_a_sheet_a_preview_and_larger() {
    let desk = Desk::new();
    let (sheet, preview) = (desk.path("all.png"), desk.path("now.webp"));
    let more = ["-n", "3", "--scale", "2", "--sheet", &sheet, "--preview", &preview, "-o", &desk.path("many")];
    let printed = draw(&desk, &more);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!((lines.len(), lines.last()), (4, Some(&sheet.as_str())));
    let [small, large] = ["plain/2.png", "many/2.png"].map(|name| desk.path(name));
    draw(&desk, &["--seed", "2", "-o", &desk.path("plain")]);
    assert_eq!(open(&large), open(&small).enlarged(2));
    // Two rows of two small pictures, shown twice as large.
    let side = 4 + 2 * (2 * cones_tests::base::side() + 4);
    assert_eq!((open(&sheet).width, open(&sheet).height), (side, side));
    assert_eq!(open(&preview), open(&large), "the last thing that was drawn");
    // In the recipe is what was drawn, so that it is drawn again.
    desk.done(&["generate", "--from", &large, "--threads", "1", "-o", &desk.path("again.png")]);
    assert_eq!(desk.read("again.png"), desk.read("plain/2.png"));
}

#[test]
fn a_file_of_prompts_is_drawn_line_by_line() {
    let desk = Desk::new();
    let prompts = desk.write("prompts.txt", "# two\na dog\n\na cat on grass\n");
    let arguments = ["generate", "--prompts", &prompts, "-n", "2", "--seed", "5", "-o", &desk.path("drawn"), "--json"];
    let summary = desk.json(&[&arguments[..], &QUICK].concat());
    let pictures = summary["pictures"].as_array().expect("pictures");
    let names: Vec<_> = pictures.iter().map(|p| Path::new(p["path"].as_str().expect("a path")).file_name()).collect();
    let expected = ["001-5.png", "001-6.png", "002-5.png", "002-6.png"].map(|name| Some(name.as_ref()));
    assert_eq!(names, expected);
    let prompt = |i: usize| pictures[i]["recipe"]["prompt"].as_str().expect("a prompt").to_owned();
    assert_eq!([prompt(1), prompt(2)], ["a dog", "a cat on grass"]);
    assert_eq!(summary["steps"], 8);
    desk.fails(2, &["generate", "--prompts", &prompts, "-p", "a dog", "-o", "x.png"]);
    let empty = desk.write("empty.txt", "# nothing\n");
    assert!(desk.fails(1, &["generate", "--prompts", &empty, "-o", "x.png"]).contains("empty.txt"));
}

#[test]
fn pictures_of_other_programs_are_drawn_as_far_as_that_goes() {
    let desk = Desk::new();
    for name in ["a1111.png", "a1111.jpg", "a1111.webp"] {
        let out = desk.path("again.png");
        let command = desk.cones(&["generate", "--from", &foreign(name), "--threads", "1", "-o", &out]).output();
        let output = command.expect("cones runs");
        let said = stderr(&output);
        assert!(output.status.success(), "{said}");
        for left_out in ["<lora:oil:0.7>", "v1-5-pruned", "Lora hashes"] {
            assert!(said.contains(left_out), "{name}: {left_out} in {said}");
        }
        assert!(!said.contains("(word:1.2)"), "{said}");
        let recipe = desk.json(&["recipe", "--json", &out]);
        assert_eq!(
            (recipe["prompt"].as_str(), recipe["negative_prompt"].as_str()),
            (Some("(a dog:1.2) on grass,  ☀"), Some("[blurry], low quality"))
        );
        assert_eq!((&recipe["prompt_weights"], recipe["clip_skip"].as_u64()), (&true.into(), Some(1)));
        assert_eq!((recipe["steps"].as_u64(), recipe["seed"].as_u64()), (Some(2), Some(12345)));
        assert_eq!((recipe["scheduler"].as_str(), recipe["guidance"].as_f64()), (Some("dpm++2m-karras"), Some(3.5)));
        assert!(desk.done(&["recipe", &foreign(name)]).starts_with("(a dog:1.2) on grass"), "as it was written");
    }
    let error = desk.fails(1, &["generate", "--from", &foreign("nodes.png"), "-o", "x.png"]);
    assert!(error.contains("nodes.png") && error.contains("workflow"), "{error}");
    let readme = desk.write("README.md", "# Readme");
    for option in ["--init", "--from"] {
        let error = desk.fails(1, &["generate", "-p", "x", "-o", "x.png", option, &readme]);
        assert!(error.contains("README.md") && error.contains("not a picture"), "{error}");
    }
}
