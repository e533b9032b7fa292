//! Bundles of a catalogue, from its signature to the last file.

use std::time::{SystemTime, UNIX_EPOCH};

use cones_core::library::Source;
use cones_core::library::catalog::{BundleEntry, CATALOG, Catalog};
use cones_core::model::bundle::{MANIFEST, UNET};
use cones_core::{Error, Result, Sha256};
use cones_tests::publisher::Publisher;
use cones_tests::server::Server;
use cones_tests::tiny::{self, Files};

use crate::setup::{Place, asked, toy, untrusted};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

fn catalog(bundles: Vec<BundleEntry>) -> Catalog {
    let mut catalog = Catalog::new("Somebody", 1, now() - 60, now() + 3600);
    catalog.bundles = bundles;
    catalog
}

/// A server with a signed catalogue at `/c/catalog.json` and a bundle in `/c/b/`.
fn serving(publisher: &Publisher, catalog: &Catalog, files: &Files) -> Server {
    let json = serde_json::to_vec(catalog).expect("a catalogue");
    let signature = publisher.sign(&json).into_bytes();
    let list = [(format!("/c/{CATALOG}"), json), (format!("/c/{CATALOG}.minisig"), signature)];
    Server::of(files.iter().map(|(name, bytes)| (format!("/c/b/{name}"), bytes.clone())).chain(list))
}

fn url(server: &Server) -> String {
    server.url("/c/catalog.json?token=secret")
}

/// The catalogue as it is served; a token in its URL is for the signature as well.
fn got(place: &Place, server: &Server) -> Result<Catalog> {
    place.downloader.catalog(&server.url("/c/catalog.json"), &place.publisher.key(), &place.cancel)
}

fn install(place: &Place, server: &Server, catalog: &Catalog, name: &str) -> Result<std::path::PathBuf> {
    let source = Source { downloader: &place.downloader, catalog, url: &url(server) };
    place.open().install(&source, name, &mut (), &place.cancel)
}

#[test]
fn a_bundle_of_a_catalogue_is_installed() {
    let place = Place::new();
    let files = toy(1);
    let server = serving(&place.publisher, &catalog(vec![tiny::entry(&files, "b")]), &files);
    let catalog = got(&place, &server).expect("a catalogue");
    install(&place, &server, &catalog, "toy").expect("installed");
    place.holds(&[&files]);
    // No signature of its own is needed: the catalogue holds the manifest's hash.
    assert_eq!(asked(&server)[..3], [CATALOG, "catalog.json.minisig", MANIFEST]);
    let Err(Error::NotFound { hint, .. }) = install(&place, &server, &catalog, "dog") else { panic!("there is none") };
    assert_eq!(hint, "it lists: `toy`");
}

#[test]
fn what_contradicts_the_catalogue_is_refused() {
    let files = toy(1);
    type Change = fn(&mut BundleEntry);
    let cases: [(&str, Change); 5] = [
        ("SHA-256", |entry| entry.manifest.sha256 = Sha256::from_bytes([0xab; 32])),
        ("calls it `dog`", |entry| entry.name = "dog".into()),
        ("fingerprint", |entry| entry.fingerprint = Sha256::from_bytes([0xab; 32])),
        ("announces", |entry| entry.bytes = 50_000),
        ("SHA-256", |entry| entry.manifest.bytes += 1000),
    ];
    for (said, change) in cases {
        let place = Place::new();
        let mut entry = tiny::entry(&files, "b");
        change(&mut entry);
        let name = entry.name.clone();
        // A manifest that is longer than announced is cut off by its length already.
        let mut served = files.clone();
        if entry.manifest.bytes > files[MANIFEST].len() as u64 {
            served.get_mut(MANIFEST).expect("a manifest").extend([b' '; 1000]);
        }
        let server = serving(&place.publisher, &catalog(vec![entry]), &served);
        let catalog = got(&place, &server).expect("a catalogue");
        let text = untrusted(install(&place, &server, &catalog, &name));
        assert!(text.contains(said), "{text}");
        assert_eq!(asked(&server).len(), 3, "nothing but the manifest");
        place.holds(&[]);
    }
}

#[test]
fn a_manifest_longer_than_announced_is_not_read() {
    let place = Place::new();
    let files = toy(1);
    let mut entry = tiny::entry(&files, "b");
    entry.manifest.bytes = 100;
    let server = serving(&place.publisher, &catalog(vec![entry]), &files);
    let catalog = got(&place, &server).expect("a catalogue");
    assert!(matches!(install(&place, &server, &catalog, "toy"), Err(Error::Network { .. })));
    place.holds(&[]);
}

#[test]
fn a_catalogue_past_its_time_installs_nothing() {
    let place = Place::new();
    let files = toy(1);
    let mut catalog = catalog(vec![tiny::entry(&files, "b")]);
    let server = serving(&place.publisher, &catalog, &files);
    catalog.expires = now() - 1;
    assert!(untrusted(install(&place, &server, &catalog, "toy")).contains("expired"));
    assert!(server.asked().is_empty());
}

#[test]
fn a_wrong_file_is_found() {
    let place = Place::new();
    let files = toy(1);
    let catalog = catalog(vec![tiny::entry(&files, "b")]);
    let mut served = files.clone();
    served.insert(UNET.into(), vec![0; 60_000]);
    let server = serving(&place.publisher, &catalog, &served);
    assert!(untrusted(install(&place, &server, &catalog, "toy")).contains("/c/b/unet.onnx"));
    assert!(place.open().list().expect("a list").is_empty());
}

#[test]
fn a_catalogue_of_another_publisher_is_refused() {
    let place = Place::new();
    let server = serving(&Publisher::new(), &catalog(Vec::new()), &Files::new());
    assert!(untrusted(got(&place, &server)).contains("another publisher"));
    assert_eq!(asked(&server).len(), 4);
}

/// Published anew between the requests for the catalogue and for its signature.
#[test]
fn a_race_with_its_publisher_is_won() {
    let place = Place::new();
    let of = |serial: u64| {
        let mut catalog = catalog(Vec::new());
        catalog.serial = serial;
        let json = serde_json::to_vec(&catalog).expect("a catalogue");
        let signature = place.publisher.sign(&json);
        (json, signature)
    };
    let (old, new) = (of(1), of(2));
    let server = Server::start(move |asked, reply| match (asked.nth, asked.path.ends_with(".minisig")) {
        (0, _) => reply.serve(asked, &old.0),
        (_, true) => reply.serve(asked, new.1.as_bytes()),
        (_, false) => reply.serve(asked, &new.0),
    });
    assert_eq!(got(&place, &server).expect("a catalogue").serial, 2);
    assert_eq!(asked(&server).len(), 4);
}

#[test]
fn a_catalogue_larger_than_any_is_not_read() {
    let place = Place::new();
    for announced in [true, false] {
        let server = Server::start(move |_, reply| {
            let length = ((8u64 << 20) + 1).to_string();
            if announced {
                reply.head("200 OK", &[("Content-Length", &length)]);
            } else {
                reply.head("200 OK", &[]);
                reply.drip(&[b' '; 65_536], std::time::Duration::ZERO);
            }
        });
        let result = got(&place, &server);
        assert!(matches!(&result, Err(Error::Network { reason, .. }) if reason.contains("8388608")), "{result:?}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[test]
fn a_catalogue_without_signature_is_none() {
    let place = Place::new();
    let server = Server::of([(format!("/c/{CATALOG}"), b"{}".to_vec())]);
    let Err(Error::Network { url, .. }) = got(&place, &server) else { panic!("there is none") };
    assert!(url.ends_with("/c/catalog.json.minisig"));
}

#[test]
fn a_token_in_its_url_is_for_the_signature_as_well() {
    let place = Place::new();
    let json = serde_json::to_vec(&catalog(Vec::new())).expect("a catalogue");
    let signature = place.publisher.sign(&json).into_bytes();
    let server = Server::of([
        ("/c/catalog.json?token=secret".to_owned(), json),
        ("/c/catalog.json.minisig?token=secret".to_owned(), signature),
    ]);
    place.downloader.catalog(&url(&server), &place.publisher.key(), &place.cancel).expect("a catalogue");
}
