//! Catalogues by keys that a root key named, and the ceilings that keep a thief from locking its owner out.

use cones_core::library::catalog::{MAX_CATALOG_SECONDS, MAX_SERIALS_A_SECOND};
use cones_core::library::trust::TrustedKeys;
use cones_core::{Catalog, Error, Result};
use cones_tests::publisher::{self, CREATED, Publisher};
use serde_json::json;

use crate::{catalog, reason};

/// Reads the catalogue, signed by `signer`, where `root` is pinned and has said this.
fn read(signer: &Publisher, keys: &TrustedKeys) -> Result<Catalog> {
    let json = catalog().encode().expect("in order");
    Catalog::verify_by("test", &json, &signer.sign(&json), keys)
}

#[test]
fn keys_that_the_root_names_count_and_no_others() {
    let [root, desk, stolen, stranger] = [(); 4].map(|()| Publisher::new());
    let keys = TrustedKeys::stated(&root.key(), &publisher::statement(&root, 2, &[&desk], &[&stolen])).expect("keys");
    assert_eq!(read(&desk, &keys).expect("counts").packs.len(), catalog().packs.len());
    assert!(keys.count(&desk.key()) && !keys.count(&root.key()));
    let by = |signer: &Publisher| reason(read(signer, &keys));
    assert!(by(&stolen).contains("revoked: a stolen laptop"));
    assert!(by(&stranger).contains("version 2 of the statement"));
    assert!(by(&root).contains("signs nothing but that"));
    // A forged signature in the stolen key's name is nobody's.
    let json = catalog().encode().expect("in order");
    let forged = Catalog::verify_by("test", &json, &stolen.sign(b"something else"), &keys);
    assert!(reason(forged).contains("none of the keys"));
    let damaged = Catalog::verify_by("test", &json, &desk.sign(b"something else"), &keys);
    assert!(reason(damaged).contains("changed or damaged"));
}

#[test]
fn a_root_may_name_itself_and_without_a_statement_counts_alone() {
    let [root, desk] = [(); 2].map(|()| Publisher::new());
    let keys = TrustedKeys::stated(&root.key(), &publisher::statement(&root, 1, &[&root, &desk], &[])).expect("keys");
    assert!(read(&root, &keys).is_ok() && read(&desk, &keys).is_ok());
    let alone = TrustedKeys::pinned(&root.key());
    assert!(read(&root, &alone).is_ok());
    assert!(reason(read(&desk, &alone)).contains("another publisher"));
    let nobody = TrustedKeys::stated(&root.key(), &publisher::statement(&root, 2, &[], &[])).expect("none");
    assert!(read(&root, &nobody).is_err() && read(&desk, &nobody).is_err());
}

#[test]
fn a_key_counts_from_the_serial_that_its_root_says() {
    let [root, desk] = [(); 2].map(|()| Publisher::new());
    let from = |serial: u64| {
        let mut statement = publisher::statement(&root, 1, &[&desk], &[]);
        statement.keys[0].from_serial = serial;
        read(&desk, &TrustedKeys::stated(&root.key(), &statement).expect("keys"))
    };
    assert_eq!(from(7).expect("its serial is 7").serial, 7);
    assert!(reason(from(8)).contains("counts from 8 on"));
}

/// Signs a catalogue that was changed as JSON, and reads it.
fn signed(serial: u64, expires: u64) -> Result<Catalog> {
    let publisher = Publisher::new();
    let mut value = serde_json::to_value(catalog()).expect("JSON");
    (value["serial"], value["expires"]) = (json!(serial), json!(expires));
    let json = value.to_string();
    Catalog::verify("test", json.as_bytes(), &publisher.sign(json.as_bytes()), &publisher.key())
}

#[test]
fn whatever_a_catalogue_says_it_is_good_for_400_days() {
    let in_centuries = signed(7, 1 << 52).expect("in order");
    assert_eq!(in_centuries.expires, CREATED + MAX_CATALOG_SECONDS);
    assert!(in_centuries.check_fresh("test", CREATED + MAX_CATALOG_SECONDS + 1, None).is_err());
    assert_eq!(signed(7, CREATED + 5).expect("in order").expires, CREATED + 5);
    let mut longer = catalog();
    longer.expires = CREATED + MAX_CATALOG_SECONDS + 1;
    match longer.encode() {
        Err(Error::BadRequest { reason, .. }) => assert!(reason.contains("400 days"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_serial_is_higher_than_anybody_could_have_counted() {
    let most = CREATED * MAX_SERIALS_A_SECOND;
    assert_eq!(signed(most, CREATED + 5).expect("in order").serial, most);
    assert!(reason(signed(most + 1, CREATED + 5)).contains("so often"));
}
