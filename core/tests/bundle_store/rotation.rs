//! Bundles by their URL or from a folder, where the pinned key has handed signing over.

use cones_core::library::bundles::{Handover, Voucher};
use cones_core::library::trust::{KeyStatement, STATEMENT};
use cones_core::model::bundle::MANIFEST;
use cones_core::{Result, clock};
use cones_tests::publisher::{self, Publisher};
use cones_tests::server::Server;
use cones_tests::tiny::Files;

use crate::setup::{Place, asked, serving, toy, untrusted};

/// A statement of the place's publisher that is good now.
fn statement(place: &Place, version: u64, keys: &[&Publisher], revoked: &[&Publisher]) -> KeyStatement {
    let mut statement = publisher::statement(&place.publisher, version, keys, revoked);
    (statement.created, statement.expires) = (clock::now() - 3600, clock::now() + 86_400);
    statement
}

/// Puts it among the files.
fn with(mut files: Files, place: &Place, statement: &KeyStatement) -> Files {
    let json = statement.encode().expect("in order");
    files.insert(format!("{STATEMENT}.minisig"), place.publisher.sign(&json).into_bytes());
    files.insert(STATEMENT.into(), json);
    files
}

fn signed_by(signer: &Publisher, mut files: Files) -> Files {
    let signature = signer.sign(&files[MANIFEST]);
    files.insert(format!("{MANIFEST}.minisig"), signature.into_bytes());
    files
}

/// Without the statement, as an installed bundle is.
fn bare(files: &Files) -> Files {
    files
        .iter()
        .filter(|(name, _)| !name.starts_with(STATEMENT))
        .map(|(name, bytes)| (name.clone(), bytes.clone()))
        .collect()
}

#[test]
fn a_statement_beside_the_manifest_is_followed_and_remembered() {
    let place = Place::new();
    let [desk, thief] = [(); 2].map(|()| Publisher::new());
    let says = statement(&place, 2, &[&desk], &[&thief]);
    let ours = with(signed_by(&desk, toy(1)), &place, &says);
    place.install(&serving(&ours)).expect("installed");
    // The host strips it: what this store has seen counts on.
    let theirs = signed_by(&thief, toy(2));
    assert!(untrusted(place.install(&serving(&theirs))).contains("revoked: a stolen laptop"));
    let older = with(theirs, &place, &statement(&place, 1, &[&thief], &[]));
    assert!(untrusted(place.install(&serving(&older))).contains("an older one"));
    assert!(untrusted(place.install(&serving(&place.signed(toy(2))))).contains("signs nothing but that"));
    let found = place.open().list().expect("a list");
    assert_eq!(found.len(), 1, "{found:?}");
    place.install(&serving(&signed_by(&desk, toy(2)))).expect("installed");
    // No bundle is what is remembered, and removing all leaves that.
    place.open().remove("toy").expect("removed");
    assert!(place.open().list().expect("a list").is_empty());
    assert!(untrusted(place.install(&serving(&signed_by(&thief, toy(2))))).contains("revoked"));
}

#[test]
fn of_a_published_folder_the_statement_is_beside_its_catalogue() {
    let place = Place::new();
    let desk = Publisher::new();
    let files = with(signed_by(&desk, toy(1)), &place, &statement(&place, 1, &[&desk], &[]));
    let at = |name: &String| match name.starts_with(STATEMENT) {
        true => format!("/p/{name}"),
        false => format!("/p/bundles/toy-0123/{name}"),
    };
    let server = Server::of(files.iter().map(|(name, bytes)| (at(name), bytes.clone())));
    place.install_from(&server.url("/p/bundles/toy-0123/")).expect("installed");
    assert_eq!(server.asked()[0].path, "/p/keys.json.minisig");
    assert_eq!(asked(&server)[..2], [STATEMENT, MANIFEST]);
}

#[test]
fn a_folder_may_bring_the_statement_along() {
    let place = Place::new();
    let [desk, thief] = [(); 2].map(|()| Publisher::new());
    let hand_over = |files: &Files| -> Result<_> {
        let from = place.beside("handed");
        let _ = std::fs::remove_dir_all(&from);
        std::fs::create_dir(&from).expect("a folder");
        for (name, bytes) in files {
            std::fs::write(from.join(name), bytes).expect("a file");
        }
        let key = place.publisher.key();
        place.open().install_folder(&from, Voucher::Key(&key), Handover::Copy, &mut (), &place.cancel)
    };
    assert!(untrusted(hand_over(&signed_by(&desk, toy(1)))).contains("another publisher"));
    let ours = with(signed_by(&desk, toy(1)), &place, &statement(&place, 1, &[&desk], &[&thief]));
    let installed = hand_over(&ours).expect("installed");
    assert!(!installed.join(STATEMENT).exists());
    assert!(untrusted(hand_over(&signed_by(&thief, toy(2)))).contains("revoked"));
    hand_over(&bare(&ours)).expect("it is remembered");
}
