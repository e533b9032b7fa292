//! Catalogues, and the statements of keys that they rest on: signed, checked, refused. Takes about 5 s.

mod arbitrary;
mod arbitrary_statements;
mod fields;
mod forms;
mod freshness;
mod keys;
mod signatures;
mod statements;
mod trusted;

use cones_core::library::catalog::{BundleEntry, Catalog};
use cones_core::model::manifest::FileEntry;
use cones_core::{Error, Result, Sha256};
use cones_tests::{publisher, small};

/// With two packs, one of them in two versions, and a base model.
fn catalog() -> Catalog {
    let manifest = small::manifest("toybox");
    let packs = [("rex", 1), ("rex", 2), ("mia", 1)].map(|(name, version)| small::pack(name, version, &manifest));
    let mut catalog = publisher::catalog(7, &packs);
    let own = FileEntry { bytes: 1000, sha256: Sha256::from_bytes([0xab; 32]) };
    let mut entry = BundleEntry::new("toybox", manifest.fingerprint, own, 30_000_000, "toybox/");
    entry.licence = "MIT".into();
    catalog.bundles.push(entry);
    catalog
}

/// The reason of a refusal, which has a hint as well.
fn reason<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Untrusted { what, reason, hint, .. }) => {
            assert!(!what.is_empty() && !hint.is_empty());
            reason
        }
        other => panic!("{other:?}"),
    }
}
