//! What is not taken in, and leaves no trace.

use std::path::Path;

use cones_core::{Error, PackStore};
use cones_tests::small;

use crate::{Place, installed};

#[test]
fn what_is_no_whole_pack_for_the_model() {
    let place = Place::new();
    let store = place.open();
    store.install_file(&place.file("rex", 1), None).expect("installed");
    let whole = std::fs::read(place.file("rex", 2)).expect("a file");
    let damaged = place.packs().join("damaged.cones");
    for (at, with_manifest) in [(0, false), (60, false), (whole.len() - 1, false), (whole.len() - 1, true)] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&damaged, bytes).expect("a file");
        let result = store.install_file(&damaged, with_manifest.then_some(&place.manifest));
        assert!(matches!(result, Err(Error::BadPack { .. })), "byte {at}: {result:?}");
    }
    for bytes in [&b""[..], b"x", &whole[..whole.len() / 2], &[whole.as_slice(), b"x"].concat()] {
        std::fs::write(&damaged, bytes).expect("a file");
        assert!(matches!(store.install_file(&damaged, None), Err(Error::BadPack { .. })));
    }
    let other = small::manifest("other");
    let result = store.install_file(&place.file("rex", 2), Some(&other));
    assert!(matches!(result, Err(Error::WrongModel { .. })), "{result:?}");
    // It is as it was.
    assert_eq!(installed(&store), [("rex".to_owned(), 1)]);
    assert_eq!(place.files("objects").len(), 1);
    assert!(place.files("").is_empty());
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let place = Place::new();
    let long = place.packs().join("long.cones");
    std::fs::File::create(&long).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
    for manifest in [None, Some(&place.manifest)] {
        match place.open().install_file(&long, manifest) {
            Err(Error::BadPack { reason, .. }) => assert!(reason.contains("longer than any pack"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_no_file() {
    let place = Place::new();
    let store = place.open();
    for path in [Path::new("/there/is/no/such/file"), &place.packs(), Path::new(""), Path::new("/dev/zero")] {
        let result = store.install_file(path, None);
        assert!(matches!(result, Err(Error::Io { action: "read", .. })), "{path:?}: {result:?}");
    }
}

#[test]
fn names_that_are_paths_find_nothing_and_touch_nothing() {
    let place = Place::new();
    let store = place.open();
    let found = store.install_file(&place.file("rex", 1), None).expect("installed");
    let outside = place.folder.path().join("outside.cones");
    std::fs::write(&outside, "precious").expect("a file");
    let hash = found.sha256.to_string();
    let object = format!("../objects/{hash}");
    for name in ["../outside", "../../outside", "/etc/passwd", "", ".", "..", "*", "rex\0", "REX", &object, &hash] {
        assert!(matches!(store.get(name, None), Err(Error::NotFound { .. })), "{name}");
        assert!(matches!(store.load(name, &place.manifest), Err(Error::NotFound { .. })), "{name}");
        assert!(!store.remove(name, None).expect("an answer"), "{name}");
    }
    assert_eq!(installed(&store), [("rex".to_owned(), 1)]);
    assert!(outside.exists() && store.verify().expect("verified").is_empty());
    let shown = store.get("\u{1b}[2Jrex\n", None).expect_err("no such name").to_string();
    assert!(!shown.contains('\u{1b}') && shown.contains("[2Jrex"), "{shown:?}");
}

#[test]
fn folders_that_cannot_be_stores() {
    let place = Place::new();
    let file = place.file("rex", 1);
    for path in [file.as_path(), &file.join("store"), Path::new("/proc/store"), Path::new("")] {
        let result = PackStore::open(path);
        // The current folder is no place for a store by accident.
        assert_eq!(matches!(result, Err(Error::BadStore { .. })), path == Path::new(""), "{path:?}: {result:?}");
        assert!(matches!(result, Err(Error::Io { .. } | Error::BadStore { .. })), "{path:?}: {result:?}");
    }
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    let store = place.open();
    store.install_file(&place.file("rex", 1), None).expect("installed");
    let index = place.path().join("store.json");
    let newer = "{\"format\": 2, \"packs\": {\"in\": \"another form\"}}";
    std::fs::write(&index, newer).expect("a file");
    let objects = place.files("objects");
    let file = place.file("mia", 1);
    let results = [
        PackStore::open(place.path()).map(drop),
        store.list().map(drop),
        store.get("rex", None).map(drop),
        store.load("rex", &place.manifest).map(drop),
        store.verify().map(drop),
        store.remove("rex", None).map(drop),
        store.install_file(&file, None).map(drop),
    ];
    for result in results {
        match result {
            Err(Error::BadStore { reason, hint, .. }) => {
                assert!(reason.contains("format 2") && hint.contains("update"), "{reason}; {hint}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(std::fs::read_to_string(&index).expect("a file"), newer);
    assert_eq!(place.files("objects"), objects);
}
