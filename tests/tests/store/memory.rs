//! What a store remembers of publishers lies in two files: neither alone is the only memory.

use std::path::PathBuf;

use cones_core::library::catalog::Withdrawal;
use cones_core::{Error, PackStore};
use cones_tests::publisher::{self, CREATED, Publisher};
use cones_tests::small;

use crate::Place;

/// A store that has seen a root's second statement, serial 5 by its key, and a withdrawal.
struct Seen {
    place: Place,
    root: Publisher,
    desk: Publisher,
    stolen: Publisher,
}

impl Seen {
    fn new() -> Self {
        let [root, desk, stolen] = [(); 3].map(|()| Publisher::new());
        let seen = Self { place: Place::new(), root, desk, stolen };
        let store = seen.place.open();
        seen.say(&store, 2).expect("signed");
        let pack = small::pack("rex", 1, &seen.place.manifest);
        let mut catalog = publisher::catalog(5, std::slice::from_ref(&pack));
        catalog.withdrawn.push(Withdrawal::new(&catalog.packs.remove(0), "a mistake"));
        let json = catalog.encode().expect("in order");
        store.accept_catalog("test", &json, &seen.desk.sign(&json), &seen.root.key(), CREATED).expect("accepted");
        store.install_file(&seen.place.file("rex", 1), None).expect("installed");
        seen
    }

    fn say(&self, store: &PackStore, version: u64) -> cones_core::Result<()> {
        let json =
            publisher::statement(&self.root, version, &[&self.desk], &[&self.stolen]).encode().expect("in order");
        store.accept_keys("test", &json, &self.root.sign(&json), &self.root.key(), CREATED).map(drop)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Whether a store that is opened now knows of all three.
    fn is_remembered(&self) -> bool {
        let store = self.place.open();
        let refuses = |signer: &Publisher, serial| {
            let json = publisher::catalog(serial, &[]).encode().expect("in order");
            let taken = store.accept_catalog("test", &json, &signer.sign(&json), &self.root.key(), CREATED);
            matches!(taken, Err(Error::Untrusted { .. }))
        };
        let withdrawn = store.get("rex", None).expect("installed").withdrawn;
        withdrawn.as_deref() == Some("a mistake")
            && refuses(&self.desk, 4)
            && refuses(&self.stolen, 9)
            && matches!(self.say(&store, 1), Err(Error::Untrusted { .. }))
    }
}

#[test]
fn either_file_alone_is_enough() {
    for name in ["store.json", "trust.json"] {
        for damage in [None, Some(""), Some("{}"), Some("no JSON"), Some("[1, 2")] {
            let seen = Seen::new();
            assert!(seen.is_remembered());
            match damage {
                None => std::fs::remove_file(seen.file(name)).expect("removed"),
                Some(text) => std::fs::write(seen.file(name), text).expect("damaged"),
            }
            assert!(seen.is_remembered(), "{name}, {damage:?}");
            // What comes next is in both again.
            let store = seen.place.open();
            seen.say(&store, 3).expect("newer");
            let other = if name == "store.json" { "trust.json" } else { "store.json" };
            std::fs::remove_file(seen.file(other)).expect("removed");
            assert!(matches!(seen.say(&seen.place.open(), 2), Err(Error::Untrusted { .. })), "{name}, {damage:?}");
        }
    }
}

/// Somebody brings back an older copy of one of them.
#[test]
fn of_two_that_differ_the_higher_numbers_count() {
    for name in ["store.json", "trust.json"] {
        let seen = Seen::new();
        let before = std::fs::read(seen.file(name)).expect("a file");
        let store = seen.place.open();
        seen.say(&store, 7).expect("newer");
        let json = publisher::catalog(50, &[]).encode().expect("in order");
        let accept = |store: &PackStore, json: &[u8]| {
            store.accept_catalog("test", json, &seen.desk.sign(json), &seen.root.key(), CREATED).map(drop)
        };
        accept(&store, &json).expect("newer");
        std::fs::write(seen.file(name), before).expect("brought back");
        let store = seen.place.open();
        assert!(seen.say(&store, 6).is_err(), "{name}");
        let older = publisher::catalog(49, &[]).encode().expect("in order");
        assert!(accept(&store, &older).is_err(), "{name}");
    }
}

/// A store from before there was a second file goes on, and has one from the next catalogue on.
#[test]
fn a_store_of_an_older_version_goes_on() {
    let place = Place::new();
    let publisher = Publisher::new();
    let key = publisher.key();
    std::fs::create_dir_all(place.path()).expect("a folder");
    let old = format!(r#"{{"format":1,"serials":{{"{}":5}},"packs":[]}}"#, key.base64());
    std::fs::write(place.path().join("store.json"), old).expect("a file");
    let accept = |serial| {
        let json = publisher::catalog(serial, &[]).encode().expect("in order");
        place.open().accept_catalog("test", &json, &publisher.sign(&json), &key, CREATED)
    };
    assert!(accept(4).is_err());
    assert!(accept(6).is_ok());
    std::fs::remove_file(place.path().join("store.json")).expect("removed");
    assert!(accept(5).is_err());
}
