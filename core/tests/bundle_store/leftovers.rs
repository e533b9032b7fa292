//! What interrupted installs leave, how long, and how it goes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cones_core::model::bundle::UNET;
use cones_tests::tiny::Files;

use crate::setup::{Place, asked, names, serving, serving_but, toy};

const DAY: Duration = Duration::from_secs(86_400);

/// Installs all but the U-Net; gives the folder that is left.
fn interrupted(place: &Place, files: &Files) -> PathBuf {
    let server = serving_but(files, |asked, reply| {
        let odd = asked.path.ends_with(UNET);
        if odd {
            reply.status("404 Not Found");
        }
        odd
    });
    place.install(&server).expect_err("there is no U-Net");
    let left: Vec<String> = place.names().into_iter().filter(|name| name.starts_with('.')).collect();
    let [name] = left.as_slice() else { panic!("{left:?}") };
    assert!(name.starts_with(".staging-"));
    place.path().join(name)
}

/// Gives a folder and all in it this time.
fn dated(folder: &Path, time: SystemTime) {
    for path in names(folder).iter().map(|name| folder.join(name)).chain([folder.to_owned()]) {
        File::open(path).and_then(|file| file.set_modified(time)).expect("a time");
    }
}

#[test]
fn it_stays_for_a_week() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let left = interrupted(&place, &files);
    dated(&left, SystemTime::now() - 6 * DAY);
    place.open();
    assert!(left.is_dir());
    let server = serving(&files);
    // Gone on with: only what is missing comes.
    assert!(place.install(&server).is_ok() && asked(&server).len() == 4, "{:?}", asked(&server));
    place.holds(&[&files]);

    // Too long ago, and before a clock was set back.
    for time in [SystemTime::now() - 8 * DAY, SystemTime::now() + 400 * DAY] {
        let left = interrupted(&place, &place.signed(toy(2)));
        dated(&left, time);
        place.holds(&[&files]);
        assert!(!left.exists());
    }
}

#[test]
fn it_can_be_cleared_at_once() {
    let place = Place::new();
    let files = place.signed(toy(1));
    place.install(&serving(&files)).expect("installed");
    let left = interrupted(&place, &place.signed(toy(2)));
    let freed = place.open().clear_interrupted().expect("cleared");
    assert!(freed > 30_000, "{freed}");
    assert!(!left.exists());
    place.holds(&[&files]);
    assert_eq!(place.open().clear_interrupted().expect("cleared"), 0);
}

#[test]
fn what_is_not_listed_does_not_get_into_the_bundle() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let left = interrupted(&place, &files);
    for name in ["extra.onnx", ".unet.onnx.copy", ".x.part", ".x.part.json", "bundle.json.new"] {
        std::fs::write(left.join(name), "x").expect("a file");
    }
    std::fs::write(left.join(UNET), "half").expect("a file");
    place.install(&serving(&files)).expect("installed");
    place.holds(&[&files]);
}

#[test]
fn a_file_that_rotted_meanwhile_is_got_again() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let left = interrupted(&place, &files);
    std::fs::write(left.join("text_encoder.onnx"), vec![0; 20_000]).expect("a file");
    let server = serving(&files);
    place.install(&server).expect("installed");
    assert!(asked(&server).contains(&"text_encoder.onnx".to_owned()));
    place.holds(&[&files]);
}
