//! What interrupted work leaves, as it lies on disk, and what the next open makes of it.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::{Place, installed};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn objects_that_are_not_listed_and_unfinished_files_are_cleared() {
    let place = Place::new();
    let store = place.open();
    let rex = store.install_file(&place.file("rex", 1), None).expect("installed");
    let objects = place.path().join("objects");
    // Killed before the list was written, after it was, and inside both.
    fs::copy(place.file("rex", 2), objects.join(format!("{}.cones", "ab".repeat(32)))).expect("a file");
    fs::write(objects.join(format!("{}.cones.new", "cd".repeat(32))), "half a pa").expect("a file");
    fs::write(place.path().join("store.json.new"), "{\"format\":1,\"pa").expect("a file");
    let store = place.open();
    assert_eq!(place.files("objects"), [format!("{}.cones", rex.sha256)]);
    assert!(place.files("").is_empty());
    assert_eq!(installed(&store), [("rex".to_owned(), 1)]);
    assert!(store.verify().expect("verified").is_empty());
}

#[test]
fn what_others_put_there_stays() {
    let place = Place::new();
    place.open();
    let objects = place.path().join("objects");
    let names = ["README", "x.cones", &format!("{}.cones.txt", "ab".repeat(32)), &format!("{}.cones", "AB".repeat(32))];
    for name in names {
        fs::write(objects.join(name), "x").expect("a file");
    }
    fs::create_dir(objects.join(format!("{}.cones", "ab".repeat(32)))).expect("a folder");
    place.open();
    assert_eq!(place.files("objects").len(), names.len() + 1);
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let place = Place::new();
    place.open();
    let outside = place.file("rex", 1);
    let link = place.path().join("objects").join(format!("{}.cones", "ab".repeat(32)));
    std::os::unix::fs::symlink(&outside, link).expect("a link");
    place.open();
    assert!(outside.exists());
}

#[test]
fn parts_of_downloads_stay_seven_days() {
    let place = Place::new();
    place.open();
    let downloads = place.path().join("downloads");
    let now = SystemTime::now();
    let times = [
        ("fresh", now),
        ("week", now - 6 * DAY),
        ("ahead", now + DAY / 2),
        ("old", now - 8 * DAY),
        ("1970", SystemTime::UNIX_EPOCH),
        ("set-back", now + 400 * DAY),
    ];
    for (name, time) in times {
        let file = File::create(downloads.join(format!(".{name}.cones.part"))).expect("a file");
        file.set_modified(time).expect("a time");
    }
    place.open();
    assert_eq!(place.files("downloads"), [".ahead.cones.part", ".fresh.cones.part", ".week.cones.part"]);
}
