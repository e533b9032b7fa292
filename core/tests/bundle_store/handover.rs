//! Bundles that the app got by its own means.

use std::path::PathBuf;

use cones_core::library::bundles::{Handover, Voucher};
use cones_core::library::download::Received;
use cones_core::model::bundle::{MANIFEST, TOKENIZER, UNET};
use cones_core::{Error, Result, Sha256};
use cones_tests::publisher::Publisher;
use cones_tests::tiny;

use crate::setup::{Place, bad, names, toy, untrusted};

fn hand_over(place: &Place, voucher: Voucher<'_>, handover: Handover) -> Result<PathBuf> {
    place.open().install_folder(&place.beside("handed"), voucher, handover, &mut (), &place.cancel)
}

const WAYS: [Handover; 2] = [Handover::Copy, Handover::Move];

#[test]
fn a_copy_leaves_the_folder_as_it_is() {
    let place = Place::new();
    let files = toy(1);
    tiny::write(&files, &place.beside("handed"));
    hand_over(&place, Voucher::Nobody, Handover::Copy).expect("installed");
    place.holds(&[&files]);
    assert_eq!(names(&place.beside("handed")), files.keys().cloned().collect::<Vec<_>>());
    // Whoever writes to their own file does not write to the store's.
    std::fs::write(place.beside("handed").join(UNET), "x").expect("a file");
    place.holds(&[&files]);
}

#[test]
fn a_move_leaves_nothing_but_what_is_not_listed() {
    let place = Place::new();
    let files = toy(1);
    tiny::write(&files, &place.beside("handed"));
    hand_over(&place, Voucher::Nobody, Handover::Move).expect("installed");
    place.holds(&[&files]);
    assert!(!place.beside("handed").exists());

    let files = place.signed(toy(2));
    tiny::write(&files, &place.beside("handed"));
    std::fs::write(place.beside("handed/diary.txt"), "dear").expect("a file");
    hand_over(&place, Voucher::Key(&place.publisher.key()), Handover::Move).expect("installed");
    place.holds(&[&files]);
    assert_eq!(names(&place.beside("handed")), ["diary.txt"]);
}

#[test]
fn a_wrong_or_missing_file_is_named_and_nothing_moves() {
    for handover in WAYS {
        let changes: [fn(&std::path::Path); 4] = [
            |file| std::fs::write(file, vec![0; 60_000]).expect("a file"),
            |file| std::fs::write(file, "short").expect("a file"),
            |file| std::fs::remove_file(file).expect("a file"),
            |file| std::fs::remove_file(file).and_then(|()| std::fs::create_dir(file)).expect("a folder"),
        ];
        for change in changes {
            let place = Place::new();
            tiny::write(&toy(1), &place.beside("handed"));
            change(&place.beside("handed").join(UNET));
            let before = names(&place.beside("handed"));
            assert!(bad(hand_over(&place, Voucher::Nobody, handover)).contains("handed/unet.onnx"));
            assert_eq!(names(&place.beside("handed")), before);
            assert!(place.open().list().expect("a list").is_empty());
        }
    }
}

#[test]
fn what_is_no_bundle_stays_where_it_is() {
    for handover in WAYS {
        let place = Place::new();
        let files = tiny::changed("toy", 1, |manifest, _| manifest.fingerprint = Sha256::from_bytes([0xab; 32]));
        tiny::write(&files, &place.beside("handed"));
        assert!(bad(hand_over(&place, Voucher::Nobody, handover)).contains("fingerprint"));
        assert_eq!(names(&place.beside("handed")).len(), files.len());
        assert!(place.open().list().expect("a list").is_empty());

        let files = tiny::changed("../toy", 1, |_, _| {});
        tiny::write(&files, &place.beside("handed"));
        bad(hand_over(&place, Voucher::Nobody, handover));
        std::fs::remove_file(place.beside("handed").join(MANIFEST)).expect("a file");
        bad(hand_over(&place, Voucher::Nobody, handover));
    }
}

#[test]
fn a_publisher_vouches_by_signature() {
    let place = Place::new();
    let files = place.signed(toy(1));
    tiny::write(&files, &place.beside("handed"));
    let other = Publisher::new().key();
    assert!(untrusted(hand_over(&place, Voucher::Key(&other), Handover::Move)).contains("another publisher"));
    hand_over(&place, Voucher::Key(&place.publisher.key()), Handover::Copy).expect("installed");
    place.holds(&[&files]);
    std::fs::remove_file(place.beside("handed/bundle.json.minisig")).expect("a file");
    assert!(bad(hand_over(&place, Voucher::Key(&place.publisher.key()), Handover::Copy)).contains("minisig"));
}

#[test]
fn a_catalogue_vouches_by_hash() {
    let place = Place::new();
    tiny::write(&toy(1), &place.beside("handed"));
    let (right, wrong) = (tiny::entry(&toy(1), "b"), tiny::entry(&toy(2), "b"));
    assert!(untrusted(hand_over(&place, Voucher::Entry(&wrong), Handover::Move)).contains("SHA-256"));
    hand_over(&place, Voucher::Entry(&right), Handover::Move).expect("installed");
    place.holds(&[&toy(1)]);
}

#[test]
fn it_replaces_and_counts() {
    let place = Place::new();
    for (version, handover) in [(1, Handover::Copy), (2, Handover::Copy), (1, Handover::Move), (2, Handover::Move)] {
        tiny::write(&toy(version), &place.beside("handed"));
        let mut seen = Vec::new();
        let mut watch = |received: Received<'_>| seen.push((received.bytes, received.total));
        let handed = place.beside("handed");
        place.open().install_folder(&handed, Voucher::Nobody, handover, &mut watch, &place.cancel).expect("installed");
        place.holds(&[&toy(version)]);
        assert!(seen.is_sorted() && seen.last().is_some_and(|(bytes, total)| bytes == total), "{seen:?}");
    }
}

#[test]
fn a_cancel_leaves_everything() {
    let place = Place::new();
    tiny::write(&toy(1), &place.beside("handed"));
    place.cancel.cancel();
    for handover in WAYS {
        assert!(matches!(hand_over(&place, Voucher::Nobody, handover), Err(Error::Cancelled)));
    }
    assert_eq!(names(&place.beside("handed")).len(), toy(1).len());
}

/// A move that was interrupted between two files: some are in the store's hidden folder already.
#[test]
fn an_interrupted_move_is_gone_on_with() {
    let place = Place::new();
    let files = toy(1);
    tiny::write(&files, &place.beside("handed"));
    let staging = place.path().join(format!(".staging-{}", cones_tests::server::sha256(&files[MANIFEST])));
    std::fs::create_dir_all(&staging).expect("a folder");
    std::fs::rename(place.beside("handed").join(UNET), staging.join(UNET)).expect("moved");
    std::fs::write(staging.join(TOKENIZER), "half").expect("a file");
    hand_over(&place, Voucher::Nobody, Handover::Move).expect("installed");
    place.holds(&[&files]);
    assert!(!place.beside("handed").exists());
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_store() {
    for handover in WAYS {
        let place = Place::new();
        let files = toy(1);
        tiny::write(&files, &place.beside("handed"));
        let (link, elsewhere) = (place.beside("handed").join(UNET), place.beside("elsewhere"));
        std::fs::rename(&link, &elsewhere).expect("moved");
        std::os::unix::fs::symlink(&elsewhere, &link).expect("a link");
        let path = hand_over(&place, Voucher::Nobody, handover).expect("installed");
        assert!(std::fs::symlink_metadata(path.join(UNET)).expect("a file").is_file());
        place.holds(&[&files]);
        assert!(elsewhere.is_file());
    }
}
