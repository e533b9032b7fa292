//! Catalogues: signed, checked, refused. Takes about 5 s.

mod arbitrary;
mod fields;
mod forms;
mod freshness;
mod keys;
mod signatures;

use cones_core::catalog::{BundleEntry, Catalog};
use cones_core::manifest::FileEntry;
use cones_core::{Error, Result};
use cones_tests::{publisher, small};

/// With two packs, one of them in two versions, and a base model.
fn catalog() -> Catalog {
    let manifest = small::manifest("toybox");
    let packs = [("rex", 1), ("rex", 2), ("mia", 1)].map(|(name, version)| small::pack(name, version, &manifest));
    let mut catalog = publisher::catalog(7, &packs);
    catalog.bundles.push(BundleEntry {
        name: "toybox".into(),
        fingerprint: manifest.fingerprint,
        manifest: FileEntry { bytes: 1000, sha256: "ab".repeat(32) },
        bytes: 30_000_000,
        url: "toybox/".into(),
        licence: "MIT".into(),
        form: None,
    });
    catalog
}

/// The reason of a refusal, which has a hint as well.
fn reason<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Untrusted { what, reason, hint }) => {
            assert!(!what.is_empty() && !hint.is_empty());
            reason
        }
        other => panic!("{other:?}"),
    }
}
