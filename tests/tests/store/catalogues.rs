//! Catalogues that the app got by its own means: what the store remembers of them.

use cones_core::library::catalog::Catalog;
use cones_core::{Error, PackStore, Result};
use cones_tests::publisher::{self, CREATED, GOOD_FOR, Publisher};

use crate::Place;

fn accept(store: &PackStore, publisher: &Publisher, serial: u64, now: u64) -> Result<Catalog> {
    let json = publisher::catalog(serial, &[]).encode().expect("in order");
    store.accept_catalog("test", &json, &publisher.sign(&json), &publisher.key(), now)
}

fn is_refused(result: Result<Catalog>) -> bool {
    matches!(result, Err(Error::Untrusted { .. }))
}

#[test]
fn the_highest_serial_of_each_key_is_remembered() {
    let place = Place::new();
    let (one, two) = (Publisher::new(), Publisher::new());
    let store = place.open();
    assert_eq!(accept(&store, &one, 5, CREATED).expect("fresh").serial, 5);
    assert!(accept(&store, &one, 5, CREATED).is_ok());
    assert!(is_refused(accept(&store, &one, 4, CREATED)));
    assert!(accept(&store, &two, 1, CREATED).is_ok());
    assert!(accept(&store, &one, 9, CREATED).is_ok());
    // Another process, later.
    let store = place.open();
    assert!(is_refused(accept(&store, &one, 8, CREATED)));
    assert!(is_refused(accept(&store, &two, 0, CREATED)));
    assert!(accept(&store, &one, 9, CREATED).is_ok() && accept(&store, &two, 1, CREATED).is_ok());
}

/// One that was not taken must not keep others out.
#[test]
fn what_is_refused_is_not_remembered() {
    let place = Place::new();
    let (publisher, other) = (Publisher::new(), Publisher::new());
    let store = place.open();
    assert!(is_refused(accept(&store, &publisher, 100, CREATED + GOOD_FOR + 1)));
    assert!(is_refused(accept(&store, &publisher, 100, 0)));
    let json = publisher::catalog(100, &[]).encode().expect("in order");
    assert!(is_refused(store.accept_catalog("test", &json, &other.sign(&json), &publisher.key(), CREATED)));
    assert!(accept(&store, &publisher, 1, CREATED).is_ok());
}

#[test]
fn installing_does_not_forget_serials() {
    let place = Place::new();
    let publisher = Publisher::new();
    let store = place.open();
    assert!(accept(&store, &publisher, 5, CREATED).is_ok());
    store.install_file(&place.file("rex", 1), None).expect("installed");
    store.remove("rex", None).expect("removed");
    assert!(is_refused(accept(&place.open(), &publisher, 4, CREATED)));
}

#[test]
fn of_many_at_once_the_highest_stays() {
    let place = Place::new();
    let publisher = Publisher::new();
    let store = place.open();
    std::thread::scope(|scope| {
        for serial in 1..=8 {
            let (store, publisher) = (&store, &publisher);
            scope.spawn(move || drop(accept(store, publisher, serial, CREATED)));
        }
    });
    assert!(is_refused(accept(&store, &publisher, 7, CREATED)));
    assert!(accept(&store, &publisher, 8, CREATED).is_ok());
}
