//! Packs in and out.

use cones_core::subjects::pack::Pack;
use cones_core::{Error, PackStore};
use cones_tests::small;

use crate::{Place, installed};

#[test]
fn what_goes_in_comes_out() {
    let place = Place::new();
    let store = place.open();
    assert_eq!(store.path(), place.path());
    assert!(store.list().expect("a list").is_empty() && store.verify().expect("verified").is_empty());
    let file = place.file("rex", 1);
    let found = store.install_file(&file, Some(&place.manifest)).expect("installed");
    let bytes = std::fs::read(&file).expect("a file");
    assert_eq!(std::fs::read(&found.path).expect("a file"), bytes);
    assert_eq!((found.bytes, found.header.metadata.name.as_str()), (bytes.len() as u64, "rex"));
    assert_eq!(found.path.file_name().expect("a name").to_string_lossy(), format!("{}.cones", found.sha256));

    // Another handle, as another process would have.
    let store = place.open();
    assert_eq!(store.get("rex", None).expect("installed"), found);
    assert_eq!(store.list().expect("a list"), [found]);
    let loaded = store.load("rex", &place.manifest).expect("whole");
    assert_eq!(loaded, Pack::decode("rex", &bytes, &place.manifest).expect("whole"));
    assert!(store.remove("rex", None).expect("removed"));
    assert!(!store.remove("rex", None).expect("an answer"));
    assert!(store.list().expect("a list").is_empty());
    assert!(place.files("objects").is_empty());
}

#[test]
fn the_preview_is_listed() {
    let place = Place::new();
    let mut pack = small::pack("rex", 1, &place.manifest);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08".to_vec();
    // As long as a preview may be: header and preview are read without the rest.
    png.resize(64 << 10, 7);
    pack.preview = Some(png.clone());
    let file = small::file(&place.packs(), &pack);
    let store = place.open();
    let found = store.install_file(&file, None).expect("installed");
    assert_eq!(found.header.preview.as_deref(), Some(png.as_slice()));
    assert_eq!(store.list().expect("a list"), [found]);
}

#[test]
fn lists_by_name() {
    let place = Place::new();
    let store = place.open();
    for name in ["mia", "rex", "ada", "0"] {
        store.install_file(&place.file(name, 1), None).expect("installed");
    }
    let names: Vec<_> = installed(&store).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["0", "ada", "mia", "rex"]);
}

#[test]
fn a_file_replaces_newer_and_older_alike() {
    let place = Place::new();
    let store = place.open();
    for version in [1, 3, 2, 2] {
        store.install_file(&place.file("rex", version), None).expect("installed");
        assert_eq!(installed(&store), [("rex".to_owned(), version)]);
        assert_eq!(store.load("rex", &place.manifest).expect("whole").metadata.version, version);
        assert_eq!(place.files("objects").len(), 1);
    }
}

#[test]
fn one_name_for_two_models() {
    let place = Place::new();
    let other = small::manifest("other");
    let store = place.open();
    store.install_file(&place.file("rex", 1), None).expect("installed");
    store.install_file(&place.file_for("rex", 5, &other), None).expect("installed");
    assert_eq!(store.list().expect("a list").len(), 2);
    assert_eq!(store.load("rex", &place.manifest).expect("whole").metadata.version, 1);
    assert_eq!(store.load("rex", &other).expect("whole").metadata.version, 5);
    assert_eq!(store.get("rex", Some(other.fingerprint)).expect("installed").header.metadata.version, 5);
    match store.get("rex", None) {
        Err(Error::BadRequest { field: "name", reason, .. }) => {
            assert!(reason.contains("`toybox`") && reason.contains("`other`"), "{reason}");
        }
        result => panic!("{result:?}"),
    }
    assert!(store.remove("rex", Some(other.fingerprint)).expect("removed"));
    match store.load("rex", &other) {
        Err(Error::WrongModel { subject, reason, .. }) => {
            assert!(subject == "rex" && reason.contains("`toybox`") && reason.contains("`other`"), "{reason}");
        }
        result => panic!("{result:?}"),
    }
    store.install_file(&place.file_for("rex", 5, &other), None).expect("installed");
    assert!(store.remove("rex", None).expect("removed"));
    assert!(store.list().expect("a list").is_empty());
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let place = Place::new();
    let store = place.open();
    let hint = |store: &PackStore, name: &str| match (store.get(name, None), store.load(name, &place.manifest)) {
        (Err(Error::NotFound { hint, .. }), Err(Error::NotFound { hint: same, .. })) if hint == same => hint,
        other => panic!("{other:?}"),
    };
    assert!(hint(&store, "rex").contains("nothing is installed"));
    for i in 0..20 {
        store.install_file(&place.file(&format!("n{i:02}"), 1), None).expect("installed");
    }
    let hint = hint(&store, "rex");
    assert!(hint.contains("`n00`, `n01`") && hint.ends_with("`n11`, 8 more"), "{hint}");
}

#[test]
fn a_store_is_used_from_several_threads() {
    let place = Place::new();
    let store = place.open();
    let files: Vec<_> = (0..8).map(|i| place.file(&format!("n{i}"), 1)).collect();
    std::thread::scope(|scope| {
        for file in &files {
            let store = store.clone();
            scope.spawn(move || store.install_file(file, None).expect("installed"));
        }
    });
    assert_eq!(installed(&store).len(), 8);
    assert!(store.verify().expect("verified").is_empty());
}
