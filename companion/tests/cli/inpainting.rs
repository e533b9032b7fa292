//! Pictures drawn anew in part, and pictures made larger.

use cones_core::Picture;
use cones_core::picture::writing;
use cones_tests::base::{self, side};

use crate::tool::{Desk, fail, stderr};

/// A desk with a photo of the base model's size and a mask, white on the right.
fn desk() -> Desk {
    let (desk, side) = (Desk::new(), side());
    let rgb = (0..side * side * 3).map(|i| (i * 37 % 251) as u8).collect();
    let photo = Picture { width: side, height: side, rgb };
    writing::save(&photo, None, desk.path("photo.png").as_ref()).expect("saved");
    let white = |i: u32| [if i % side >= side / 2 { 255 } else { 0 }; 3];
    let mask = Picture { width: side, height: side, rgb: (0..side * side).flat_map(white).collect() };
    writing::save(&mask, None, desk.path("mask.png").as_ref()).expect("saved");
    writing::save(&Picture { rgb: vec![0; 12], width: 2, height: 2 }, None, desk.path("black.png").as_ref())
        .expect("saved");
    desk
}

/// The arguments of a drawing at the desk; what names a file of it stands in braces.
fn arguments(desk: &Desk, out: &str, more: &[&str]) -> Vec<String> {
    let first = ["generate", "--prompt", "a dog", "--steps", "2", "--threads", "1", "--out"].map(String::from);
    let path = |word: &&str| word.strip_prefix('@').map_or_else(|| (*word).to_owned(), |name| desk.path(name));
    first.into_iter().chain([desk.path(out)]).chain(more.iter().map(path)).collect()
}

fn draw(desk: &Desk, out: &str, more: &[&str]) -> Picture {
    let arguments = arguments(desk, out, more);
    desk.done(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    Picture::open(desk.path(out).as_ref()).expect("a picture")
}

fn fails(desk: &Desk, status: i32, more: &[&str]) -> String {
    let arguments = arguments(desk, "x.png", more);
    fail(status, desk.cones(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
}

#[test]
fn what_is_masked_is_drawn_and_the_recipe_draws_it_again() {
    let desk = desk();
    let options =
        ["--init", "@photo.png", "--mask", "@mask.png", "--mask-grow", "2", "--mask-feather", "1", "--only-masked=4"];
    let first = draw(&desk, "first.png", &options);
    let photo = Picture::open(desk.path("photo.png").as_ref()).expect("a picture");
    let (row, kept) = (3 * side() as usize, 3 * (side() as usize / 2 - 8));
    let left = |picture: &Picture| picture.rgb.chunks(row).flat_map(|row| row[..kept].to_vec()).collect::<Vec<u8>>();
    assert_eq!(left(&first), left(&photo));
    assert_ne!(first, photo);

    let recipe = desk.json(&["recipe", "--json", &desk.path("first.png")]);
    let inpaint = &recipe["init"]["inpaint"];
    assert_eq!(
        (&inpaint["grow"], &inpaint["feather"], &inpaint["padding_mask_crop"]),
        (&2.into(), &1.into(), &4.into())
    );
    assert_eq!(recipe["init"]["strength"], 1.0, "with a mask all of the region is redrawn");
    let (from, again, init, mask) =
        (desk.path("first.png"), desk.path("again.png"), desk.path("photo.png"), desk.path("mask.png"));
    let redraw = ["generate", "--from", &from, "--threads", "1", "--out", &again, "--init", &init];
    let error = desk.fails(1, &redraw);
    assert!(error.contains("--mask"), "{error}");
    desk.done(&[&redraw[..], &["--mask", &mask]].concat());
    assert_eq!(desk.read("first.png"), desk.read("again.png"));
    // Another mask is said to be another.
    let mut other = desk.cones(&[&redraw[..], &["--mask", &init]].concat());
    let output = other.output().expect("cones runs");
    assert!(stderr(&output).contains("other pixels than the recipe's"), "{}", stderr(&output));
}

#[test]
fn strips_are_added_and_the_summary_says_so() {
    let desk = desk();
    let (side, half) = (side(), side() / 2);
    let wide = draw(&desk, "wide.png", &["--init", "@photo.png", "--outpaint", &format!("0,0,{half},0")]);
    assert_eq!((wide.width, wide.height), (side + half, side));
    let around = (half / 2).to_string();
    let arguments = arguments(&desk, "json.png", &["--init", "@photo.png", "--outpaint", &around, "--json"]);
    let summary = desk.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(summary["pictures"][0]["recipe"]["init"]["inpaint"]["outpaint"]["top"], half / 2);
    assert_eq!(summary["pictures"][0]["recipe"]["width"], side + half);
}

#[test]
fn masks_that_make_no_sense_are_refused() {
    let desk = desk();
    desk.write("mask.safetensors", b"\x02\0\0\0\0\0\0\0{}");
    let (large, multiples) = (
        format!("{} x {}", 4_000_000_000 + side(), side()),
        format!("multiples of {}", base::bundle().manifest().latent.multiple),
    );
    for (status, words, more) in [
        (2, "--init", vec!["--mask", "@mask.png"]),
        (2, "--init", vec!["--outpaint", "8"]),
        (2, "--mask-grow needs --mask", vec!["--init", "@photo.png", "--mask-grow", "3"]),
        (2, "--only-masked needs --mask", vec!["--init", "@photo.png", "--only-masked"]),
        (2, "--outpaint adds nothing", vec!["--init", "@photo.png", "--outpaint", "0"]),
        (2, "four numbers", vec!["--init", "@photo.png", "--outpaint", "1,2"]),
        (2, "1024", vec!["--init", "@photo.png", "--mask", "@mask.png", "--mask-feather", "4000"]),
        (1, "black all over", vec!["--init", "@photo.png", "--mask", "@black.png"]),
        (2, large.as_str(), vec!["--init", "@photo.png", "--outpaint", "4000000000,0,0,0"]),
        (2, multiples.as_str(), vec!["--init", "@photo.png", "--outpaint", "0,0,9,0"]),
        (1, "mask.safetensors", vec!["--init", "@photo.png", "--mask", "@mask.safetensors"]),
        (1, "none.png", vec!["--init", "@photo.png", "--mask", "@none.png"]),
    ] {
        let error = fails(&desk, status, &more);
        assert!(error.contains(words), "{words}: {error}");
    }
}
