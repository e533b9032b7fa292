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
fn what_came_of_downloads_stays_seven_days() {
    let place = Place::new();
    place.open();
    let downloads = place.path().join("downloads");
    let now = SystemTime::now();
    let times = [
        ('a', true, now),
        ('b', true, now - 6 * DAY),
        ('c', true, now + DAY / 2),
        ('d', false, now - 8 * DAY),
        ('e', false, SystemTime::UNIX_EPOCH),
        // Written before a clock was set back.
        ('f', false, now + 400 * DAY),
    ];
    let mut kept = Vec::new();
    for (digit, stays, time) in times {
        let hash = digit.to_string().repeat(64);
        let names = [
            format!(".{hash}.cones.lock"),
            format!(".{hash}.cones.part"),
            format!(".{hash}.cones.part.json"),
            format!("{hash}.cones"),
            format!("{hash}.lock"),
            format!("{digit}-something else"),
        ];
        for name in names {
            File::create(downloads.join(&name)).and_then(|file| file.set_modified(time)).expect("a file");
            if stays {
                kept.push(name);
            }
        }
    }
    kept.sort();
    place.open();
    assert_eq!(place.files("downloads"), kept);
}

/// Somebody who takes up an old download again is not disturbed.
#[test]
fn an_old_download_that_goes_on_is_left_alone() {
    let place = Place::new();
    place.open();
    let downloads = place.path().join("downloads");
    let hash = "a".repeat(64);
    let old = |name: &str| {
        let file = File::create(downloads.join(name)).expect("a file");
        file.set_modified(SystemTime::now() - 8 * DAY).expect("a time");
        file
    };
    old(&format!(".{hash}.cones.part"));
    let lock = old(&format!("{hash}.lock"));
    lock.lock().expect("a lock");
    place.open();
    assert_eq!(place.files("downloads").len(), 2);
    drop(lock);
    place.open();
    assert!(place.files("downloads").is_empty());
}
