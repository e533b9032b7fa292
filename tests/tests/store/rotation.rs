//! Keys that change: what a store makes of a root key's statements, and what becomes of packs that a revoked key vouched for.

use cones_core::library::catalog::{Catalog, PackEntry, Withdrawal};
use cones_core::library::trust::KeyStatement;
use cones_core::{Error, PackStore, Result};
use cones_tests::publisher::{self, CREATED, GOOD_FOR, Publisher};
use cones_tests::small;

use crate::{Place, installed};

const NOW: u64 = CREATED + 60;

/// A root key that an app pins, and keys for its desks.
struct Keys {
    root: Publisher,
    one: Publisher,
    two: Publisher,
}

impl Keys {
    fn new() -> Self {
        let [root, one, two] = [(); 3].map(|()| Publisher::new());
        Self { root, one, two }
    }

    /// Has the store take a statement.
    fn say(
        &self,
        store: &PackStore,
        version: u64,
        keys: &[&Publisher],
        revoked: &[&Publisher],
    ) -> Result<KeyStatement> {
        self.tell(store, &publisher::statement(&self.root, version, keys, revoked), NOW)
    }

    fn tell(&self, store: &PackStore, statement: &KeyStatement, now: u64) -> Result<KeyStatement> {
        let json = statement.encode().expect("in order");
        store.accept_keys("test", &json, &self.root.sign(&json), &self.root.key(), now)
    }

    /// Has the store take a catalogue that `signer` signed, where the root is pinned.
    fn offer(&self, store: &PackStore, signer: &Publisher, catalog: &Catalog) -> Result<Catalog> {
        let json = catalog.encode().expect("in order");
        store.accept_catalog("test", &json, &signer.sign(&json), &self.root.key(), NOW)
    }

    fn offers(&self, store: &PackStore, signer: &Publisher, serial: u64) -> Result<Catalog> {
        self.offer(store, signer, &publisher::catalog(serial, &[]))
    }
}

#[track_caller]
fn refused<T>(result: Result<T>) -> String {
    match result {
        Err(Error::Untrusted { reason, hint, .. }) => {
            assert!(!hint.is_empty());
            reason
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("this was accepted"),
    }
}

#[test]
fn without_a_statement_the_pinned_key_signs_as_ever() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    assert!(keys.offers(&store, &keys.root, 1).is_ok());
    assert!(refused(keys.offers(&store, &keys.one, 2)).contains("another publisher"));
    assert!(store.trusted_keys(&keys.root.key(), NOW).expect("keys").statement().is_none());
}

#[test]
fn signing_goes_from_key_to_key_without_a_new_app() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    assert!(keys.offers(&store, &keys.root, 7).is_ok());
    keys.say(&store, 1, &[&keys.one], &[]).expect("the first");
    assert!(refused(keys.offers(&store, &keys.root, 8)).contains("signs nothing but that"));
    assert!(keys.offers(&store, &keys.one, 8).is_ok());
    keys.say(&store, 2, &[&keys.one, &keys.two], &[]).expect("a second key");
    assert!(keys.offers(&store, &keys.two, 9).is_ok());
    // They count together: what the one has overtaken, the other cannot bring back.
    assert!(refused(keys.offers(&store, &keys.one, 8)).contains("older"));
    assert!(keys.offers(&store, &keys.one, 10).is_ok());
    keys.say(&store, 3, &[&keys.two], &[&keys.one]).expect("one is revoked");
    // Another process, later.
    let store = place.open();
    assert!(refused(keys.offers(&store, &keys.one, 11)).contains("revoked: a stolen laptop"));
    assert!(keys.offers(&store, &keys.two, 10).is_ok());
}

/// Whoever stole a key cannot bring back the time before that was known, whatever the host serves.
#[test]
fn a_revocation_cannot_be_taken_back() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    keys.say(&store, 1, &[&keys.one], &[]).expect("the first");
    keys.say(&store, 2, &[&keys.two], &[&keys.one]).expect("the second");
    assert!(refused(keys.say(&store, 1, &[&keys.one], &[])).contains("an older one"));
    // One that the root signed with the same number, and another.
    assert!(refused(keys.say(&store, 2, &[&keys.one], &[])).contains("another version 2"));
    keys.say(&store, 2, &[&keys.two], &[&keys.one]).expect("the very same is no news");
    // A statement of the thief's own.
    let forged = publisher::statement(&keys.one, 9, &[&keys.one], &[]).encode().expect("in order");
    let taken = store.accept_keys("test", &forged, &keys.one.sign(&forged), &keys.root.key(), NOW);
    assert!(refused(taken).contains("another publisher"));
    assert!(refused(keys.offers(&place.open(), &keys.one, 100)).contains("revoked"));
}

#[test]
fn a_statement_that_expired_counts_no_more_and_what_it_revoked_stays_revoked() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    keys.say(&store, 1, &[&keys.one], &[]).expect("the first");
    let late = CREATED + GOOD_FOR + 1;
    let json = publisher::catalog(1, &[]).encode().expect("in order");
    let offer =
        |signer: &Publisher, now| store.accept_catalog("test", &json, &signer.sign(&json), &keys.root.key(), now);
    for signer in [&keys.one, &keys.root] {
        assert!(
            refused(offer(signer, late)).contains("statement of keys expired"),
            "nor does the root's own word count"
        );
    }
    // One that is old news when it comes is noted all the same: by any clock it revokes.
    let mut second = publisher::statement(&keys.root, 2, &[&keys.two], &[&keys.one]);
    second.expires = CREATED + 10;
    assert!(refused(keys.tell(&store, &second, NOW)).contains("expired"));
    assert!(refused(keys.say(&store, 1, &[&keys.one], &[])).contains("an older one"));
    assert!(refused(offer(&keys.one, NOW)).contains("expired"));
    keys.say(&store, 3, &[&keys.two], &[&keys.one]).expect("signed anew");
    assert!(offer(&keys.two, NOW).is_ok());
}

/// With a stolen key the highest serial there is was signed. Once the key is revoked nobody is locked out by it.
#[test]
fn what_a_stolen_key_counted_to_keeps_nobody_out() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    keys.say(&store, 1, &[&keys.one], &[]).expect("the first");
    assert!(keys.offers(&store, &keys.one, 5).is_ok());
    assert!(keys.offers(&store, &keys.one, CREATED * 1000).is_ok());
    assert!(refused(keys.offers(&store, &keys.one, 6)).contains("older"));
    keys.say(&store, 2, &[&keys.two], &[&keys.one]).expect("revoked");
    assert!(keys.offers(&store, &keys.two, 6).is_ok());
    assert!(refused(keys.offers(&store, &keys.two, 5)).contains("older"));
}

#[test]
fn publishers_with_a_key_in_common_count_each_for_themselves() {
    let (place, keys, other) = (Place::new(), Keys::new(), Keys::new());
    let store = place.open();
    keys.say(&store, 1, &[&keys.one], &[]).expect("the first");
    let theirs = publisher::statement(&other.root, 1, &[&keys.one], &[]);
    other.tell(&store, &theirs, NOW).expect("another root's");
    assert!(keys.offers(&store, &keys.one, 50).is_ok());
    assert!(other.offers(&store, &keys.one, 2).is_ok());
    // What the one root revokes counts for the other as ever.
    let revoked = publisher::statement(&other.root, 2, &[], &[&keys.one]);
    other.tell(&store, &revoked, NOW).expect("revoked there");
    assert!(keys.offers(&store, &keys.one, 51).is_ok());
    assert!(refused(other.offers(&store, &keys.one, 3)).contains("revoked"));
}

/// Installs `rex` in this version from a catalogue that `signer` signed; gives its entry.
fn install(place: &Place, store: &PackStore, keys: &Keys, signer: &Publisher, serial: u64, version: u32) -> PackEntry {
    let pack = small::pack("rex", version, &place.manifest);
    let catalog = keys.offer(store, signer, &publisher::catalog(serial, &[pack])).expect("accepted");
    let entry = catalog.pack("rex", None).expect("listed").clone();
    store.install_downloaded(&place.file("rex", version), &entry, Some(&place.manifest)).expect("installed");
    entry
}

#[test]
fn a_pack_is_its_roots_whichever_key_vouches_for_it() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    install(&place, &store, &keys, &keys.root, 1, 1);
    keys.say(&store, 1, &[&keys.one], &[]).expect("handed over");
    let entry = install(&place, &store, &keys, &keys.one, 2, 2);
    let publisher = store.get("rex", None).expect("installed").publisher;
    assert_eq!(publisher.as_deref(), Some(keys.root.key().base64()));
    // It withdraws what the key before it had vouched for.
    let mut catalog = publisher::catalog(3, &[]);
    catalog.withdrawn.push(Withdrawal::new(&entry, "a mistake"));
    keys.offer(&store, &keys.one, &catalog).expect("accepted");
    assert_eq!(store.get("rex", None).expect("installed").withdrawn.as_deref(), Some("a mistake"));
    // A publisher who pins the desk's key as such is another one.
    let pack = small::pack("rex", 9, &place.manifest);
    let json = publisher::catalog(1, &[pack]).encode().expect("in order");
    let theirs = store.accept_catalog("test", &json, &keys.one.sign(&json), &keys.one.key(), NOW).expect("accepted");
    let taken = store.install_downloaded(&place.file("rex", 9), theirs.pack("rex", None).expect("listed"), None);
    assert!(refused(taken).contains("another publisher offers it"));
}

#[test]
fn what_a_revoked_key_vouched_for_is_told_and_not_loaded() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    keys.say(&store, 1, &[&keys.one], &[]).expect("the first");
    install(&place, &store, &keys, &keys.one, 1, 1);
    store.install_file(&place.file("mia", 1), None).expect("a file of nobody's");
    keys.say(&store, 2, &[&keys.two], &[&keys.one]).expect("revoked");
    let store = place.open();
    let told = store.get("rex", None).expect("installed").withdrawn.expect("told");
    assert!(told.contains("revoked") && told.contains("a stolen laptop"), "{told}");
    assert!(refused(store.load("rex", &place.manifest)).contains("a stolen laptop"));
    assert!(store.clone().with_withdrawn().load("rex", &place.manifest).is_ok(), "for an app that asks its user");
    assert!(store.load("mia", &place.manifest).is_ok());
    assert_eq!(store.get("mia", None).expect("installed").withdrawn, None);
    // Should the key turn up again, its root says so.
    keys.say(&store, 3, &[&keys.one, &keys.two], &[]).expect("found");
    assert!(store.load("rex", &place.manifest).is_ok());
}

/// The publisher's next catalogue lists what it had made before the theft: that is good at once.
#[test]
fn what_the_next_key_lists_is_good_again_without_a_download() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    keys.say(&store, 1, &[&keys.one], &[]).expect("the first");
    install(&place, &store, &keys, &keys.one, 1, 1);
    keys.say(&store, 2, &[&keys.two], &[&keys.one]).expect("revoked");
    let honest = publisher::catalog(2, &[small::pack("rex", 1, &place.manifest)]);
    keys.offer(&store, &keys.two, &honest).expect("accepted");
    // The same serial once more, by a store that lost its list meanwhile, changes nothing.
    keys.offer(&place.open(), &keys.two, &honest).expect("accepted");
    assert_eq!(place.open().get("rex", None).expect("installed").withdrawn, None);
    assert!(store.load("rex", &place.manifest).is_ok());
}

/// A thief's pack of the highest version there is does not keep the publisher's own out.
#[test]
fn what_a_thief_had_installed_gives_way_to_the_publishers_own() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    keys.say(&store, 1, &[&keys.one], &[]).expect("the first");
    install(&place, &store, &keys, &keys.one, 1, u32::MAX);
    let offer = |serial| {
        let honest = publisher::catalog(serial, &[small::pack("rex", 2, &place.manifest)]);
        let catalog = keys.offer(&store, &keys.two, &honest).expect("accepted");
        let entry = catalog.pack("rex", None).expect("listed").clone();
        store.install_downloaded(&place.file("rex", 2), &entry, Some(&place.manifest))
    };
    keys.say(&store, 2, &[&keys.one, &keys.two], &[]).expect("nobody knows yet");
    assert!(refused(offer(2)).contains("version 4294967295 is installed"));
    keys.say(&store, 3, &[&keys.two], &[&keys.one]).expect("revoked");
    offer(3).expect("installed");
    assert_eq!(installed(&store), [("rex".to_owned(), 2)]);
    assert!(store.load("rex", &place.manifest).is_ok());
}

#[test]
fn statements_of_many_at_once_leave_the_newest() {
    let (place, keys) = (Place::new(), Keys::new());
    let store = place.open();
    std::thread::scope(|scope| {
        for version in 1..=8 {
            let (store, keys) = (&store, &keys);
            scope.spawn(move || drop(keys.say(store, version, &[&keys.one], &[])));
        }
    });
    assert!(refused(keys.say(&store, 7, &[&keys.one], &[])).contains("an older one"));
    keys.say(&store, 8, &[&keys.one], &[]).expect("the newest");
}
