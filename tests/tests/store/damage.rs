//! Files that rot after they were installed.

use std::fs;

use cones_core::Error;
use serde_json::json;

use crate::{Place, installed};

#[test]
fn a_damaged_pack_is_listed_reported_and_can_be_replaced_or_removed() {
    let place = Place::new();
    let store = place.open();
    let mia = store.install_file(&place.file("mia", 1), None).expect("installed");
    let rex = store.install_file(&place.file("rex", 1), None).expect("installed");
    let whole = fs::read(&rex.path).expect("a file");
    let mut damages: Vec<Vec<u8>> = [0, 9, 70, whole.len() - 1]
        .map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            bytes
        })
        .into();
    damages.extend([
        Vec::new(),
        whole[..100].to_vec(),
        [whole.as_slice(), b"x"].concat(),
        fs::read(&mia.path).expect("a file"),
    ]);
    for damage in damages {
        fs::write(&rex.path, &damage).expect("a file");
        let store = place.open();
        assert_eq!(installed(&store), [("mia".to_owned(), 1), ("rex".to_owned(), 1)]);
        let damaged = store.verify().expect("verified");
        let names: Vec<_> = damaged.iter().map(|(found, _)| found.header.metadata.name.as_str()).collect();
        assert_eq!(names, ["rex"]);
        assert!(matches!(&damaged[0].1, Error::BadPack { pack, .. } if pack == "rex"), "{:?}", damaged[0].1);
        assert!(matches!(store.load("rex", &place.manifest), Err(Error::BadPack { .. })));
        assert!(store.load("mia", &place.manifest).is_ok());
    }
    store.install_file(&place.file("rex", 1), None).expect("installed");
    assert!(store.verify().expect("verified").is_empty());
    fs::write(&rex.path, "x").expect("a file");
    assert!(store.remove("rex", None).expect("removed"));
    assert_eq!(installed(&store), [("mia".to_owned(), 1)]);
    assert!(!rex.path.exists());
}

/// A pack in place of another of the right form is no pack that was installed.
#[test]
fn a_lost_file_and_one_that_is_a_folder_are_reported() {
    let place = Place::new();
    let store = place.open();
    let rex = store.install_file(&place.file("rex", 1), None).expect("installed");
    fs::remove_file(&rex.path).expect("a file");
    let damaged = store.verify().expect("verified");
    assert!(matches!(&damaged[0].1, Error::BadPack { reason, .. } if reason.contains("gone")), "{:?}", damaged[0].1);
    assert!(matches!(store.load("rex", &place.manifest), Err(Error::BadPack { .. })));
    fs::create_dir(&rex.path).expect("a folder");
    assert_eq!(place.open().verify().expect("verified").len(), 1);
    assert_eq!(installed(&store), [("rex".to_owned(), 1)]);
    assert!(store.remove("rex", None).expect("removed"));
    assert!(installed(&store).is_empty());
}

#[test]
fn a_damaged_list_is_made_anew_from_the_packs() {
    let place = Place::new();
    let store = place.open();
    for (name, version) in [("rex", 2), ("mia", 1)] {
        store.install_file(&place.file(name, version), None).expect("installed");
    }
    let list = store.list().expect("a list");
    let index = place.path().join("store.json");
    let good: serde_json::Value = serde_json::from_slice(&fs::read(&index).expect("a file")).expect("JSON");
    let changed = |pointer: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).expect(pointer) = value;
        changed.to_string()
    };
    let first = good["packs"][0].clone();
    let texts = [
        String::new(),
        "{}".into(),
        "[".repeat(100_000),
        "\u{0}".repeat(300),
        good.to_string()[..good.to_string().len() - 9].into(),
        changed("/packs/0/sha256", json!("../../../packs/toybox/rex-2")),
        changed("/packs/0/bytes", json!(1u64 << 50)),
        changed("/packs/0/fingerprint", json!("")),
        changed("/packs/1", first.clone()),
        changed("/packs", json!([good["packs"][1], first])),
    ];
    for text in texts {
        fs::write(&index, &text).expect("a file");
        // By whoever reads first, be it without opening the store again.
        assert_eq!(store.list().expect("a list"), list);
        assert_eq!(place.open().list().expect("a list"), list);
        assert!(store.verify().expect("verified").is_empty());
    }
    fs::remove_file(&index).expect("a file");
    assert_eq!(place.open().list().expect("a list"), list);
}

/// Of what a replacement that was not finished left, the newer is taken; what is damaged is not.
#[test]
fn making_the_list_anew_takes_the_newest_whole_pack() {
    let place = Place::new();
    let store = place.open();
    let old = store.install_file(&place.file("rex", 3), None).expect("installed");
    let bytes = fs::read(&old.path).expect("a file");
    let new = store.install_file(&place.file("rex", 4), None).expect("installed");
    fs::write(&old.path, &bytes).expect("a file");
    let mia = store.install_file(&place.file("mia", 1), None).expect("installed");
    fs::write(&mia.path, "x").expect("a file");
    fs::write(place.path().join("store.json"), "damaged").expect("a file");
    let store = place.open();
    assert_eq!(store.list().expect("a list"), [new]);
    assert_eq!(place.files("objects").len(), 1);
}
