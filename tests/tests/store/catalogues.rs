//! Catalogues that the app got by its own means: what the store remembers of them.

use cones_core::library::catalog::{Catalog, Withdrawal};
use cones_core::{Error, PackStore, Result};
use cones_tests::publisher::{self, CREATED, GOOD_FOR, Publisher};
use cones_tests::small;

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

/// Signs a catalogue with these packs and withdrawals, and gives it to the store.
fn offer(store: &PackStore, publisher: &Publisher, mut catalog: Catalog, withdrawn: &[Withdrawal]) -> Catalog {
    catalog.withdrawn = withdrawn.to_vec();
    let json = catalog.encode().expect("in order");
    store.accept_catalog("test", &json, &publisher.sign(&json), &publisher.key(), CREATED).expect("accepted")
}

/// Installs `rex` in this version from a catalogue of the publisher; gives the entry.
fn install_signed(place: &Place, store: &PackStore, publisher: &Publisher, serial: u64, version: u32) -> Withdrawal {
    let pack = small::pack("rex", version, &place.manifest);
    let catalog = offer(store, publisher, publisher::catalog(serial, &[pack]), &[]);
    let entry = catalog.pack("rex", None).expect("listed");
    store.install_downloaded(&place.file("rex", version), entry, Some(&place.manifest)).expect("installed");
    Withdrawal::new(entry, "its photos were not ours")
}

#[test]
fn what_its_publisher_withdraws_is_told_and_not_loaded() {
    let place = Place::new();
    let (publisher, other) = (Publisher::new(), Publisher::new());
    let store = place.open();
    let withdrawal = install_signed(&place, &store, &publisher, 1, 2);
    let got = |store: &PackStore| store.get("rex", None).expect("installed");
    assert_eq!(got(&store).publisher.as_deref(), Some(publisher.key().base64()));
    assert!(got(&store).withdrawn.is_none() && store.load("rex", &place.manifest).is_ok());

    // Another publisher has no say in it.
    offer(&store, &other, publisher::catalog(1, &[]), std::slice::from_ref(&withdrawal));
    assert!(got(&store).withdrawn.is_none() && store.load("rex", &place.manifest).is_ok());

    offer(&store, &publisher, publisher::catalog(2, &[]), std::slice::from_ref(&withdrawal));
    // Another process, later.
    let store = place.open();
    assert_eq!(got(&store).withdrawn.as_deref(), Some("its photos were not ours"));
    for refused in [store.load("rex", &place.manifest).map(drop), store.subject("rex", &place.manifest).map(drop)] {
        let error = refused.expect_err("withdrawn");
        assert!(matches!(&error, Error::Untrusted { reason, .. } if reason.contains("not ours")), "{error}");
    }
    assert!(store.verify().expect("verified").is_empty(), "it is whole all the same");
    assert!(store.clone().with_withdrawn().load("rex", &place.manifest).is_ok(), "for an app that asks its user");

    // The publisher's next version is good again, and so is the old one once the publisher takes its word back.
    install_signed(&place, &store, &publisher, 3, 3);
    offer(&store, &publisher, publisher::catalog(4, &[]), &[withdrawal]);
    assert!(got(&store).withdrawn.is_none() && store.load("rex", &place.manifest).is_ok());
    store.remove("rex", None).expect("removed");
}

#[test]
fn a_withdrawn_file_is_known_by_its_hash_where_nobody_vouched_for_it() {
    let place = Place::new();
    let publisher = Publisher::new();
    let store = place.open();
    let withdrawal = install_signed(&place, &store, &publisher, 1, 1);
    store.remove("rex", None).expect("removed");
    offer(&store, &publisher, publisher::catalog(2, &[]), &[withdrawal]);
    store.install_file(&place.file("rex", 1), None).expect("installed by hand");
    assert!(store.load("rex", &place.manifest).is_err());
    store.install_file(&place.file("rex", 2), None).expect("another file by hand");
    assert!(store.load("rex", &place.manifest).is_ok());
}

#[test]
fn what_a_publisher_vouched_for_is_replaced_by_nobody_else() {
    let place = Place::new();
    let (publisher, other) = (Publisher::new(), Publisher::new());
    let store = place.open();
    install_signed(&place, &store, &publisher, 1, 1);
    let refused = |result: Result<_>| matches!(result, Err(Error::Untrusted { .. }));
    assert!(refused(store.install_file(&place.file("rex", 2), None).map(drop)));
    let pack = small::pack("rex", 2, &place.manifest);
    let theirs = offer(&store, &other, publisher::catalog(1, &[pack]), &[]);
    let entry = theirs.pack("rex", None).expect("listed");
    assert!(refused(store.install_downloaded(&place.file("rex", 2), entry, None).map(drop)));
    let installed = store.get("rex", None).expect("as it was");
    assert_eq!(
        (installed.header.metadata.version, installed.publisher.as_deref()),
        (1, Some(publisher.key().base64()))
    );
    // The very file by another way changes nothing, and who wants another one removes this one.
    store.install_file(&place.file("rex", 1), None).expect("it is there");
    assert_eq!(store.get("rex", None).expect("there").publisher, installed.publisher);
    store.remove("rex", None).expect("removed");
    store.install_downloaded(&place.file("rex", 2), entry, None).expect("installed");
}

#[test]
fn a_catalogue_cannot_list_what_it_withdraws() {
    let place = Place::new();
    let pack = small::pack("rex", 2, &place.manifest);
    let mut catalog = publisher::catalog(1, &[pack]);
    let withdrawal = Withdrawal::new(&catalog.packs[0], "");
    let with = |catalog: &mut Catalog, withdrawn: Vec<Withdrawal>| {
        catalog.withdrawn = withdrawn;
        catalog.encode().map(drop)
    };
    assert!(with(&mut catalog, vec![withdrawal.clone()]).is_err());
    let mut older = withdrawal.clone();
    older.version = 1;
    assert!(with(&mut catalog, vec![older.clone()]).is_ok(), "older versions are withdrawn, this one is not");
    assert!(with(&mut catalog, vec![older.clone(), older.clone()]).is_err(), "twice");
    older.version = 0;
    assert!(with(&mut catalog, vec![older.clone()]).is_err());
    older.version = 1;
    older.reason = "two\nlines".into();
    assert!(with(&mut catalog, vec![older]).is_err());
}
