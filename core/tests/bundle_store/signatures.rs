//! Whose bundle it is: nothing is asked for before that is known.

use std::sync::atomic::{AtomicBool, Ordering};

use cones_core::Error;
use cones_core::model::bundle::MANIFEST;
use cones_tests::publisher::Publisher;

use crate::setup::{Place, asked, serving, serving_but, toy, untrusted};

const SIGNATURE: &str = "bundle.json.minisig";

#[test]
fn another_publishers_signature_is_refused() {
    let place = Place::new();
    let mut files = toy(1);
    let other = Publisher::new().sign(&files[MANIFEST]);
    files.insert(SIGNATURE.into(), other.into_bytes());
    let server = serving(&files);
    assert!(untrusted(place.install(&server)).contains("another publisher"));
    // Both once more, as they may have been published anew; nothing else.
    assert_eq!(asked(&server), [MANIFEST, SIGNATURE, MANIFEST, SIGNATURE]);
    place.holds(&[]);
}

#[test]
fn a_changed_manifest_is_refused() {
    let place = Place::new();
    let mut files = place.signed(toy(1));
    files.get_mut(MANIFEST).expect("a manifest").push(b' ');
    let server = serving(&files);
    assert!(untrusted(place.install(&server)).contains("does not fit"));
    assert!(asked(&server).iter().all(|name| name.starts_with(MANIFEST)));
    place.holds(&[]);
}

#[test]
fn what_is_no_signature_is_refused() {
    let place = Place::new();
    for text in ["", "x", "\0", "untrusted comment: x\nx\ntrusted comment: x\nx\n", "\u{ff}"] {
        let mut files = toy(1);
        files.insert(SIGNATURE.into(), text.as_bytes().to_vec());
        assert!(untrusted(place.install(&serving(&files))).contains("no minisign signature"));
    }
    let mut files = toy(1);
    files.insert(SIGNATURE.into(), vec![0xff; 100]);
    untrusted(place.install(&serving(&files)));
    // Longer than any: it is not even read.
    files.insert(SIGNATURE.into(), vec![b'x'; 5000]);
    assert!(matches!(place.install(&serving(&files)), Err(Error::Network { .. })));
    // None at all.
    files.remove(SIGNATURE);
    let server = serving(&files);
    let Err(Error::Network { url, .. }) = place.install(&server) else { panic!("there is none") };
    assert!(url.ends_with(SIGNATURE));
    place.holds(&[]);
}

/// Published anew between the requests for the manifest and for its signature.
#[test]
fn a_race_with_its_publisher_is_won() {
    let place = Place::new();
    let (old, new) = (place.signed(toy(1)), place.signed(toy(2)));
    let begun = AtomicBool::new(false);
    let server = serving_but(&new, move |asked, reply| {
        let is_first = asked.path.ends_with(MANIFEST) && !begun.swap(true, Ordering::SeqCst);
        if is_first {
            reply.serve(asked, &old[MANIFEST]);
        }
        is_first
    });
    place.install(&server).expect("installed");
    place.holds(&[&new]);
}
