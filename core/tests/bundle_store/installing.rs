//! Installing over the network: whole, in parts, again, the next version.

use cones_core::library::bundles::Expectation;
use cones_core::library::download::Received;
use cones_core::model::bundle::{ATTENTION, MANIFEST, TEXT_ENCODER, TOKENIZER, UNET, VAE_DECODER};
use cones_core::model::manifest::Manifest;
use cones_core::{Bundle, Error, Sha256};
use cones_tests::tiny;

use crate::setup::{Place, asked, bad, names, serving, serving_but, toy, untrusted};

/// Manifest and signature, then all files in order.
const ALL: [&str; 7] = [MANIFEST, "bundle.json.minisig", ATTENTION, TEXT_ENCODER, TOKENIZER, UNET, VAE_DECODER];

#[test]
fn a_bundle_comes_whole_and_each_file_once() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let server = serving(&files);
    let path = place.install(&server).expect("installed");
    assert_eq!(path, place.open().get("toy").expect("a folder"));
    assert_eq!(asked(&server), ALL);
    place.holds(&[&files]);
}

#[test]
fn the_url_may_be_that_of_the_folder_or_the_manifest() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let server = serving(&files);
    for url in ["/b", "/b/", "/b/bundle.json", "/b/bundle.json#x"] {
        place.install_from(&server.url(url)).expect("installed");
    }
    place.holds(&[&files]);
}

#[test]
fn progress_counts_all_files_together() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let server = serving(&files);
    let total = 93_000 + files[ATTENTION].len() as u64;
    let mut seen: Vec<(String, u64)> = Vec::new();
    let mut watch = |received: Received<'_>| {
        assert_eq!(received.total, total);
        seen.push((received.name.into(), received.bytes));
    };
    let store = place.open();
    store
        .install_url(
            &place.downloader,
            &server.url("/b"),
            &place.publisher.key(),
            &Expectation::default(),
            &mut watch,
            &place.cancel,
        )
        .expect("installed");
    assert!(seen.is_sorted_by_key(|(_, bytes)| *bytes), "{seen:?}");
    assert_eq!(seen.last(), Some(&(VAE_DECODER.to_owned(), total)));
    let mut named: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
    named.dedup();
    assert_eq!(named, ALL[2..]);
}

/// The server at an address serves another bundle that the same publisher signed.
#[test]
fn what_is_not_expected_is_refused_before_its_files_are_asked_for() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let fingerprint = serde_json::from_slice::<Manifest>(&files[MANIFEST]).expect("a manifest").fingerprint;
    let other = Sha256::digest("another base model");
    for (name, wanted, said) in [
        (Some("dog"), None, "it is the bundle `toy`, not `dog`"),
        (Some("TOY\u{1b}"), Some(fingerprint), "not `TOY`"),
        (None, Some(other), "its fingerprint is"),
        (Some("toy"), Some(other), "its fingerprint is"),
    ] {
        let server = serving(&files);
        let text = untrusted(place.install_expected(&server.url("/b"), &Expectation { name, fingerprint: wanted }));
        assert!(text.contains(said), "{text}");
        assert_eq!(asked(&server), [MANIFEST, "bundle.json.minisig"]);
        place.holds(&[]);
    }
    let expected = Expectation { name: Some("toy"), fingerprint: Some(fingerprint) };
    place.install_expected(&serving(&files).url("/b"), &expected).expect("installed");
    place.holds(&[&files]);
}

#[test]
fn a_break_is_gone_on_from_by_the_next_call() {
    let place = Place::new();
    let files = place.signed(toy(1));
    // The U-Net comes to byte 25,000; then the server is gone.
    let unet = files[UNET].clone();
    let server = serving_but(&files, move |asked, reply| {
        let odd = asked.path.ends_with(UNET);
        if odd {
            reply.serve_until(asked, &unet, 25_000);
        }
        odd
    });
    assert!(matches!(place.install(&server), Err(Error::Network { .. })));
    assert!(place.open().list().expect("a list").is_empty());
    assert!(matches!(place.open().get("toy"), Err(Error::NotFound { .. })));

    let server = serving(&files);
    place.install(&server).expect("installed");
    assert_eq!(asked(&server), [MANIFEST, "bundle.json.minisig", "unet.onnx@25000", VAE_DECODER]);
    place.holds(&[&files]);
}

#[test]
fn a_cancel_is_gone_on_from_as_well() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let unet = files[UNET].clone();
    let server = serving_but(&files, move |asked, reply| {
        let odd = asked.path.ends_with(UNET);
        if odd {
            reply.serve_until(asked, &unet, 25_000);
            reply.hang();
        }
        odd
    });
    let part = |place: &Place| {
        let staging =
            names(&place.path()).into_iter().find(|name| name.starts_with(".staging-") && !name.ends_with("lock"));
        staging
            .and_then(|name| std::fs::metadata(place.path().join(name).join(".unet.onnx.part")).ok())
            .map(|m| m.len())
    };
    std::thread::scope(|scope| {
        let call = scope.spawn(|| place.install(&server));
        while !place.path().is_dir() || part(&place) != Some(25_000) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        place.cancel.cancel();
        assert!(matches!(call.join().expect("a thread"), Err(Error::Cancelled)));
    });
    let place = Place { cancel: cones_core::CancelToken::new(), ..place };
    let server = serving(&files);
    place.install(&server).expect("installed");
    assert_eq!(asked(&server), [MANIFEST, "bundle.json.minisig", "unet.onnx@25000", VAE_DECODER]);
    place.holds(&[&files]);
}

#[test]
fn the_next_version_brings_only_what_is_new() {
    let place = Place::new();
    let (old, new) = (place.signed(toy(1)), place.signed(toy(2)));
    place.install(&serving(&old)).expect("installed");
    let server = serving(&new);
    place.install(&server).expect("installed");
    assert_eq!(asked(&server), [MANIFEST, "bundle.json.minisig", UNET]);
    place.holds(&[&new]);
}

#[test]
fn another_bundle_lends_its_files_and_keeps_them() {
    let place = Place::new();
    let (toy, other) = (place.signed(toy(1)), place.signed(tiny::bundle("other", 1)));
    place.install(&serving(&toy)).expect("installed");
    let server = serving(&other);
    place.install(&server).expect("installed");
    // All that differs is the name.
    assert_eq!(asked(&server), [MANIFEST, "bundle.json.minisig"]);
    place.holds(&[&other, &toy]);
    assert!(place.open().remove("toy").expect("an answer"));
    place.holds(&[&other]);
}

#[test]
fn installing_again_mends_a_bundle() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let path = place.install(&serving(&files)).expect("installed");
    std::fs::write(path.join(UNET), vec![0; 60_000]).expect("damage");
    std::fs::remove_file(path.join(TOKENIZER)).expect("damage");
    assert!(Bundle::open(&path).is_err());
    let server = serving(&files);
    place.install(&server).expect("installed");
    assert_eq!(asked(&server), [MANIFEST, "bundle.json.minisig", TOKENIZER, UNET]);
    place.holds(&[&files]);
}

#[test]
fn the_older_one_stays_until_the_new_one_is_whole() {
    let place = Place::new();
    let (old, new) = (place.signed(toy(1)), place.signed(toy(2)));
    place.install(&serving(&old)).expect("installed");
    let broken = serving_but(&new, |asked, reply| {
        let odd = asked.path.ends_with(UNET);
        if odd {
            reply.status("404 Not Found");
        }
        odd
    });
    assert!(matches!(place.install(&broken), Err(Error::Network { .. })));
    Bundle::open(place.open().get("toy").expect("a folder")).and_then(|b| b.verify()).expect("the old one");
    place.install(&serving(&new)).expect("installed");
    place.holds(&[&new]);
}

#[test]
fn a_wrong_file_is_named_and_the_others_are_kept() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let wrong = serving_but(&files, |asked, reply| {
        let odd = asked.path.ends_with(UNET);
        if odd {
            reply.serve(asked, &cones_tests::server::content(60_000, 9));
        }
        odd
    });
    assert!(untrusted(place.install(&wrong)).contains("/b/unet.onnx"));
    assert!(place.open().list().expect("a list").is_empty());
    let server = serving(&files);
    place.install(&server).expect("installed");
    assert_eq!(asked(&server), [MANIFEST, "bundle.json.minisig", UNET, VAE_DECODER]);
    place.holds(&[&files]);
}

/// All hashes are right, and yet it is no bundle: the publisher made it so.
#[test]
fn a_bundle_that_does_not_open_is_blamed_on_its_publisher_and_not_kept() {
    let place = Place::new();
    let weights = |change: fn(&mut Vec<u8>)| {
        tiny::changed("toy", 1, |manifest, files| {
            change(files.get_mut(ATTENTION).expect("weights"));
            manifest.files = tiny::listed(files);
        })
    };
    let cases = [
        (weights(|bytes| bytes.truncate(100)), "safetensors"),
        (weights(|bytes| *bytes.last_mut().expect("a byte") ^= 1), "fingerprint"),
    ];
    for (files, said) in cases {
        let files = place.signed(files);
        let server = serving(&files);
        let text = bad(place.install(&server));
        assert!(text.contains(said) && text.contains("http://127.0.0.1") && text.contains(ATTENTION), "{text}");
        place.holds(&[]);
    }
}

/// A graph whose weights are said to lie in a file of the app's.
#[test]
fn a_bundle_whose_graph_reads_elsewhere_is_not_kept() {
    let place = Place::new();
    for (location, is_kept) in [("../diary.txt", false), ("/etc/passwd", false), ("unet.weights", true)] {
        let files = place.signed(tiny::changed("toy", 1, |manifest, files| {
            files.insert(UNET.into(), cones_tests::hostile::graph_with_weights_in(location));
            manifest.files = tiny::listed(files);
        }));
        let installed = place.install(&serving(&files));
        if is_kept {
            installed.expect("installed");
            place.holds(&[&files]);
        } else {
            let text = bad(installed);
            assert!(text.contains(UNET) && text.contains(location) && text.contains("outside"), "{text}");
            place.holds(&[]);
        }
    }
}

#[test]
fn something_else_in_its_place_is_left_alone() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let server = serving(&files);
    let diary = place.path().join("toy/diary.txt");
    std::fs::create_dir_all(place.path().join("toy")).expect("a folder");
    std::fs::write(&diary, "dear").expect("a file");
    assert!(matches!(place.install(&server), Err(Error::BadStore { .. })));
    // Before anything large came.
    assert_eq!(asked(&server).len(), 2);
    assert!(!place.open().remove("toy").expect("an answer"));
    assert!(diary.is_file());
}

#[test]
fn bundles_are_listed_found_and_removed_by_name() {
    let place = Place::new();
    assert!(place.open().list().expect("a list").is_empty());
    let Err(Error::NotFound { hint, .. }) = place.open().get("toy") else { panic!("there is none") };
    assert_eq!(hint, "there is none yet");
    let bundles = ["b", "a", "c-1.5_x"].map(|name| place.signed(tiny::bundle(name, 1)));
    for files in &bundles {
        place.install(&serving(files)).expect("installed");
    }
    place.holds(&[&bundles[1], &bundles[0], &bundles[2]]);
    let Err(Error::NotFound { name, hint, .. }) = place.open().get("d\u{1b}") else { panic!("there is none") };
    assert_eq!((name.as_str(), hint.as_str()), ("d", "installed: `a`, `b`, `c-1.5_x`"));
    assert!(place.open().remove("b").expect("an answer"));
    assert!(!place.open().remove("b").expect("an answer"));
    for name in ["", ".", "..", "../store", "a/../c-1.5_x", "A", "/", ".staging-x"] {
        assert!(!place.open().remove(name).expect("an answer"), "{name}");
        assert!(matches!(place.open().get(name), Err(Error::NotFound { .. })), "{name}");
    }
    place.holds(&[&bundles[1], &bundles[2]]);
}

#[cfg(unix)]
#[test]
fn a_removed_bundle_goes_on_where_it_is_open() {
    let place = Place::new();
    let path = place.install(&serving(&place.signed(toy(1)))).expect("installed");
    let bundle = Bundle::open(path).expect("a bundle");
    let fingerprint = bundle.attention().fingerprint();
    assert!(place.open().remove("toy").expect("an answer"));
    assert_eq!(bundle.attention().fingerprint(), fingerprint);
}
