//! Manifests that are signed and yet not to be followed: nothing of them is asked for, nothing is written.

use cones_core::Sha256;
use cones_core::model::bundle::{MANIFEST, UNET};
use cones_core::model::manifest::SCHEMA;
use cones_core::model::manifest::{FileEntry, Manifest};
use cones_tests::tiny::{self, Files};
use serde_json::json;

use crate::setup::{Place, asked, bad, serving, toy};

/// Refused, and only manifest and signature were asked for. Gives the reason.
#[track_caller]
fn refused(files: Files) -> String {
    let place = Place::new();
    let server = serving(&place.signed(files));
    let text = bad(place.install(&server));
    assert!(text.contains("/b/bundle.json"), "{text}");
    assert_eq!(asked(&server), [MANIFEST, "bundle.json.minisig"]);
    place.holds(&[]);
    text
}

/// The toy bundle with something else in its manifest.
fn edited(change: impl FnOnce(&mut Manifest)) -> Files {
    tiny::changed("toy", 1, |manifest, _| change(manifest))
}

fn entry(bytes: u64) -> FileEntry {
    FileEntry { bytes, sha256: Sha256::digest("") }
}

#[test]
fn names_that_lead_elsewhere() {
    let names = [
        "../x",
        "..",
        ".",
        "",
        "/etc/x",
        "a/b",
        "a\\b",
        "C:\\x",
        "C:x",
        "\\\\host\\x",
        "\0",
        "x\0y",
        ".hidden",
        ".unet.onnx.part",
        "é",
        "a b",
        "a%2fb",
        "a?b",
        "a#b",
        "http:x",
        "//host/x",
        "x\n",
        "~",
    ];
    for name in names {
        let text = refused(edited(|manifest| {
            manifest.files.insert(name.into(), entry(1));
        }));
        assert!(text.contains("plain file name"), "{text}");
    }
}

#[test]
fn names_that_are_written_over_each_other() {
    for name in ["UNET.onnx", "Bundle.json", "bundle.json"] {
        let text = refused(edited(|manifest| {
            manifest.files.insert(name.into(), entry(1));
        }));
        assert!(text.contains("besides another"), "{text}");
    }
}

#[test]
fn bundle_names_that_are_no_folder_of_the_store() {
    for name in
        ["../toy", "", ".", "..", ".toy", "/toy", "a/b", "a\\b", "C:", "Toy", "t oy", "\0", "é", "-x", &"x".repeat(65)]
    {
        let text = refused(edited(|manifest| manifest.name = name.into()));
        assert!(text.contains("`name`"), "{text}");
    }
}

#[test]
fn lengths_beyond_reason() {
    let cases: [&[u64]; 4] = [&[u64::MAX], &[u64::MAX, u64::MAX, 2], &[1 << 63, 1 << 63], &[64 << 30]];
    for lengths in cases {
        let text = refused(edited(|manifest| {
            let more = lengths.iter().enumerate().map(|(n, bytes)| (format!("more-{n}"), entry(*bytes)));
            manifest.files.extend(more);
        }));
        assert!(text.contains("at most 68719476736"), "{text}");
    }
}

#[test]
fn more_files_than_any_bundle_has() {
    let text = refused(edited(|manifest| manifest.files.extend((0..300).map(|n| (format!("more-{n}"), entry(1))))));
    assert!(text.contains("305 files"), "{text}");
}

#[test]
fn hashes_that_are_none() {
    for sha256 in ["", "x", "../../../../etc/hostname", &"g".repeat(64), &"a".repeat(65)] {
        let mut files = tiny::bundle("toy", 1);
        let mut json: serde_json::Value = serde_json::from_slice(&files[MANIFEST]).expect("JSON");
        json["files"][UNET]["sha256"] = sha256.into();
        files.insert(MANIFEST.into(), json.to_string().into_bytes());
        assert!(refused(files).contains("of a SHA-256"), "{sha256}");
    }
}

#[test]
fn hashes_in_capitals_are_hashes() {
    let place = Place::new();
    let mut files = tiny::bundle("toy", 1);
    let mut json: serde_json::Value = serde_json::from_slice(&files[MANIFEST]).expect("JSON");
    for entry in json["files"].as_object_mut().expect("files").values_mut() {
        entry["sha256"] = entry["sha256"].as_str().expect("a hash").to_ascii_uppercase().into();
    }
    files.insert(MANIFEST.into(), json.to_string().into_bytes());
    let files = place.signed(files);
    place.install(&serving(&files)).expect("installed");
    place.holds(&[&files]);
}

#[test]
fn manifests_that_are_none() {
    let with = |json: &[u8]| {
        let mut files = toy(1);
        files.insert(MANIFEST.into(), json.to_vec());
        files
    };
    for json in [b"".as_slice(), b"{}", b"[]", b"null", b"\xff\xfe{}", b"\0", "[".repeat(1 << 16).as_bytes()] {
        refused(with(json));
    }
    let mut newer: serde_json::Value = serde_json::from_slice(&toy(1)[MANIFEST]).expect("a manifest");
    newer["schema"] = json!(SCHEMA + 1);
    newer["more"] = json!({});
    let text = refused(with(newer.to_string().as_bytes()));
    assert!(text.contains(&format!("schema {}", SCHEMA + 1)), "{text}");
    refused(edited(|manifest| {
        manifest.files.remove(UNET);
    }));
    refused(edited(|manifest| manifest.layers.clear()));
}

#[test]
fn manifests_without_end() {
    let place = Place::new();
    let server = cones_tests::server::Server::start(|_, reply| {
        reply.head("200 OK", &[]);
        reply.drip(&[b' '; 65_536], std::time::Duration::ZERO);
    });
    let result = place.install(&server);
    assert!(
        matches!(&result, Err(cones_core::Error::Network { reason, .. }) if reason.contains("4194304")),
        "{result:?}"
    );
    place.holds(&[]);
}

#[test]
fn an_empty_file_is_a_file() {
    let place = Place::new();
    let files = place.signed(tiny::changed("toy", 1, |manifest, files| {
        files.insert("notes.txt".into(), Vec::new());
        manifest.files = tiny::listed(files);
    }));
    place.install(&serving(&files)).expect("installed");
    place.holds(&[&files]);
}
