//! Packs of a catalogue that the app got by its own means.

use cones_core::library::catalog::PackEntry;
use cones_core::{Error, Sha256};
use cones_tests::{publisher, small};

use crate::{Place, installed};

fn entry(place: &Place, name: &str, version: u32) -> PackEntry {
    publisher::catalog(1, &[small::pack(name, version, &place.manifest)]).packs.remove(0)
}

#[test]
fn a_file_as_listed_is_installed_and_left_where_it_is() {
    let place = Place::new();
    let store = place.open();
    let file = place.file("rex", 2);
    let found = store.install_downloaded(&file, &entry(&place, "rex", 2), Some(&place.manifest)).expect("installed");
    assert_eq!(installed(&store), [("rex".to_owned(), 2)]);
    assert_eq!(found.sha256, entry(&place, "rex", 2).sha256);
    assert!(file.exists());
}

#[test]
fn a_file_that_is_not_as_listed_is_refused() {
    let place = Place::new();
    let store = place.open();
    let file = place.file("rex", 2);
    let mut cases: Vec<(&str, PackEntry)> = Vec::new();
    let mut case = |said, change: &dyn Fn(&mut PackEntry)| {
        let mut entry = entry(&place, "rex", 2);
        change(&mut entry);
        cases.push((said, entry));
    };
    case("length", &|e| e.bytes += 1);
    case("length", &|e| e.bytes -= 1);
    case("length", &|e| e.bytes = u64::MAX);
    case("length", &|e| e.bytes = 0);
    case("SHA-256", &|e| e.sha256 = Sha256::from_bytes([0xab; 32]));
    case("name", &|e| e.name = "mia".into());
    case("name", &|e| e.name = "../mia".into());
    case("version", &|e| e.version = 3);
    case("fingerprint", &|e| e.fingerprint = Sha256::from_bytes([0xab; 32]));
    case("model", &|e| e.model = "another".into());
    case("trigger", &|e| e.trigger = "a cat".into());
    case("class", &|e| e.class = "cat".into());
    case("licence", &|e| e.licence = "public domain".into());
    case("neurons", &|e| e.neurons += 1);
    for (said, entry) in cases {
        match store.install_downloaded(&file, &entry, None) {
            Err(Error::Untrusted { reason, .. }) => assert!(reason.contains(said), "{said}: {reason}"),
            other => panic!("{said}: {other:?}"),
        }
    }
    let other = small::manifest("other");
    let result = store.install_downloaded(&file, &entry(&place, "rex", 2), Some(&other));
    assert!(matches!(result, Err(Error::WrongModel { .. })), "{result:?}");
    assert!(installed(&store).is_empty() && place.files("objects").is_empty());
}

#[test]
fn a_catalogue_does_not_take_a_pack_back_to_an_older_version() {
    let place = Place::new();
    let store = place.open();
    let install = |version| store.install_downloaded(&place.file("rex", version), &entry(&place, "rex", version), None);
    install(2).expect("installed");
    match install(1) {
        Err(Error::Untrusted { what, reason, .. }) => {
            assert!(what == "rex" && reason.contains("version 1") && reason.contains("version 2"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    install(2).expect("installed again");
    install(3).expect("installed");
    // Who means it removes the newer one first. For another model it is another pack.
    let other = small::manifest("other");
    let listed = publisher::catalog(1, &[small::pack("rex", 1, &other)]).packs.remove(0);
    store.install_downloaded(&place.file_for("rex", 1, &other), &listed, None).expect("installed");
    store.remove("rex", Some(place.manifest.fingerprint)).expect("removed");
    store.install_downloaded(&place.file("rex", 1), &entry(&place, "rex", 1), None).expect("installed");
    assert_eq!(installed(&store), [("rex".to_owned(), 1), ("rex".to_owned(), 1)]);
}

/// The same version with other content is what its publisher says it is.
#[test]
fn the_same_version_with_another_hash_is_taken() {
    let place = Place::new();
    let store = place.open();
    let mut pack = small::pack("rex", 2, &place.manifest);
    pack.metadata.author = "somebody else".into();
    store.install_file(&small::file(&place.packs(), &pack), None).expect("installed");
    store.install_downloaded(&place.file("rex", 2), &entry(&place, "rex", 2), None).expect("installed");
    assert_eq!(store.get("rex", None).expect("installed").header.metadata.author, "somebody");
}
