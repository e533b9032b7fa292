//! Packs of a catalogue over HTTP, from a server on this device.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use cones_core::library::catalog::Catalog;
use cones_core::library::download::{Limits, Received};
use cones_core::library::{Source, packs::Installed};
use cones_core::subjects::pack::Pack;
use cones_core::{CancelToken, Downloader, Error, PackStore, Result};
use cones_tests::publisher::{self, Publisher};
use cones_tests::server::Server;
use cones_tests::small;

use crate::{Place, installed};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// Good from an hour ago for a day.
fn catalog(serial: u64, packs: &[Pack]) -> Catalog {
    let mut catalog = publisher::catalog(serial, packs);
    (catalog.created, catalog.expires) = (now() - 3600, now() + 86_400);
    catalog
}

/// What lies beside a catalogue in `/x/`.
fn files(publisher: &Publisher, catalog: &Catalog, packs: &[Pack]) -> Vec<(String, Vec<u8>)> {
    let json = catalog.encode().expect("in order");
    let signature = publisher.sign(&json).into_bytes();
    let pack = |pack: &Pack| {
        let name = format!("/x/{}-{}.cones", pack.metadata.name, pack.metadata.version);
        (name, pack.encode().expect("within limits"))
    };
    let mut files: Vec<_> = packs.iter().map(pack).collect();
    files.extend([("/x/catalog.json".into(), json), ("/x/catalog.json.minisig".into(), signature)]);
    files
}

fn install(store: &PackStore, server: &Server, catalog: &Catalog, name: &str, place: &Place) -> Result<Installed> {
    let source = Source { downloader: &Downloader::new(), catalog, url: &server.url("/x/catalog.json") };
    store.install(&source, name, Some(&place.manifest), &mut (), &CancelToken::new())
}

#[test]
fn from_the_catalogue_to_the_picture() {
    let place = Place::new();
    let packs = [("rex", 1), ("rex", 2), ("mia", 1)].map(|(name, version)| small::pack(name, version, &place.manifest));
    let publisher = Publisher::new();
    let server = Server::of(files(&publisher, &catalog(1, &packs), &packs));
    let (store, downloader, cancel) = (place.open(), Downloader::new(), CancelToken::new());
    let url = server.url("/x/catalog.json");
    let catalog = store.catalog(&downloader, &url, &publisher.key(), &cancel).expect("signed");
    let source = Source { downloader: &downloader, catalog: &catalog, url: &url };
    let mut told = Vec::new();
    let mut watch = |received: Received<'_>| told.push((received.name.to_owned(), received.bytes, received.total));
    let found = store.install(&source, "rex", Some(&place.manifest), &mut watch, &cancel).expect("installed");
    assert_eq!(told.last(), Some(&("rex".to_owned(), found.bytes, found.bytes)));
    assert!(told.iter().all(|(name, _, total)| name == "rex" && *total == found.bytes));
    assert_eq!(found.header.metadata.version, 2);
    assert_eq!(store.load("rex", &place.manifest).expect("whole"), packs[1]);
    assert!(place.files("downloads").is_empty(), "{:?}", place.files("downloads"));

    // What is there is not asked for again; what was damaged is.
    let asked = server.asked().len();
    assert_eq!(install(&store, &server, &catalog, "rex", &place).expect("installed"), found);
    assert_eq!(server.asked().len(), asked);
    std::fs::write(&found.path, "damaged").expect("a file");
    assert_eq!(install(&store, &server, &catalog, "rex", &place).expect("installed"), found);
    assert_eq!(server.asked().len(), asked + 1);
    assert!(store.verify().expect("verified").is_empty());
}

#[test]
fn a_broken_download_changes_nothing_and_is_resumed() {
    let place = Place::new();
    let mut pack = small::pack("rex", 1, &place.manifest);
    pack.mask = cones_core::ConceptMask::random(&place.manifest.layers, 0.5, 1);
    let bytes = pack.encode().expect("within limits");
    let whole = Arc::new(AtomicBool::new(false));
    let server = {
        let (whole, bytes) = (Arc::clone(&whole), bytes.clone());
        Server::start(move |asked, reply| {
            let end = if whole.load(Ordering::SeqCst) { bytes.len() } else { bytes.len() / 2 };
            reply.serve_until(asked, &bytes, end);
        })
    };
    let catalog = catalog(1, &[pack]);
    let store = place.open();
    let once = Downloader::with_limits(Limits { attempts: 1, attempts_in_all: 1, ..Limits::default() });
    let source = Source { downloader: &once, catalog: &catalog, url: &server.url("/x/catalog.json") };
    let result = store.install(&source, "rex", None, &mut (), &CancelToken::new());
    assert!(matches!(result, Err(Error::Network { .. })), "{result:?}");
    assert!(installed(&store).is_empty() && place.files("objects").is_empty());
    assert!(place.files("downloads").iter().any(|name| name.ends_with(".part")), "{:?}", place.files("downloads"));
    // Opening the store again leaves it.
    whole.store(true, Ordering::SeqCst);
    install(&place.open(), &server, &catalog, "rex", &place).expect("installed");
    assert_eq!(server.asked().last().and_then(|asked| asked.from()), Some(bytes.len() / 2));
    assert!(place.files("downloads").is_empty(), "{:?}", place.files("downloads"));
}

/// The download was finished, taking the pack in was not.
#[test]
fn a_finished_download_is_not_asked_for_again() {
    let place = Place::new();
    let pack = small::pack("rex", 1, &place.manifest);
    let catalog = catalog(1, std::slice::from_ref(&pack));
    let server = Server::of([]);
    let store = place.open();
    let (downloads, hash) = (place.path().join("downloads"), &catalog.packs[0].sha256);
    std::fs::write(downloads.join(format!("{hash}.cones")), pack.encode().expect("within limits")).expect("a file");
    // What a kill leaves at that moment goes as well.
    for name in [format!(".{hash}.cones.part.json"), format!(".{hash}.cones.lock"), format!("{hash}.lock")] {
        std::fs::write(downloads.join(name), "").expect("a file");
    }
    install(&store, &server, &catalog, "rex", &place).expect("installed");
    assert!(server.asked().is_empty() && place.files("downloads").is_empty());
}

#[test]
fn a_file_that_contradicts_the_catalogue_is_not_kept() {
    let place = Place::new();
    let store = place.open();
    let pack = small::pack("rex", 1, &place.manifest);
    // Another file than is listed.
    let other = small::pack("rex", 2, &place.manifest).encode().expect("within limits");
    let server = Server::of([("/x/rex-1.cones".to_owned(), other)]);
    let mut listed = catalog(1, std::slice::from_ref(&pack));
    assert!(matches!(
        install(&store, &server, &listed, "rex", &place),
        Err(Error::Untrusted { .. } | Error::Network { .. })
    ));
    // The file that is listed, under a name that is not its own.
    listed.packs[0].name = "mia".into();
    let server = Server::of([("/x/rex-1.cones".to_owned(), pack.encode().expect("within limits"))]);
    match install(&store, &server, &listed, "mia", &place) {
        Err(Error::Untrusted { what, reason, .. }) => assert!(what == "mia" && reason.contains("name"), "{reason}"),
        result => panic!("{result:?}"),
    }
    assert!(installed(&store).is_empty() && place.files("objects").is_empty());
    assert!(!place.files("downloads").iter().any(|name| name.ends_with(".cones")), "{:?}", place.files("downloads"));
}

/// An address that a publisher may not give, a hash that is a path: nobody is asked.
#[test]
fn entries_that_lead_elsewhere_are_refused_unasked() {
    let place = Place::new();
    let store = place.open();
    let pack = small::pack("rex", 1, &place.manifest);
    let server = Server::of([("/rex-1.cones".to_owned(), pack.encode().expect("within limits"))]);
    let refused = |change: &dyn Fn(&mut Catalog)| {
        let mut catalog = catalog(1, std::slice::from_ref(&pack));
        change(&mut catalog);
        let result = install(&store, &server, &catalog, "rex", &place);
        assert!(matches!(result, Err(Error::Untrusted { .. })), "{result:?}");
    };
    for url in ["../rex-1.cones", "/rex-1.cones", "http://example.org/rex-1.cones", "file:///etc/hostname", ""] {
        refused(&|catalog| catalog.packs[0].url = url.into());
    }
    refused(&|catalog| catalog.packs[0].bytes = 1 << 40);
    refused(&|catalog| catalog.expires = now() - 1);
    assert!(server.asked().is_empty() && installed(&store).is_empty() && place.files("downloads").is_empty());
}

#[test]
fn an_older_version_than_is_installed_is_refused_unasked() {
    let place = Place::new();
    let store = place.open();
    store.install_file(&place.file("rex", 3), None).expect("installed");
    let pack = small::pack("rex", 2, &place.manifest);
    let server = Server::of(files(&Publisher::new(), &catalog(1, std::slice::from_ref(&pack)), &[]));
    let result = install(&store, &server, &catalog(1, &[pack]), "rex", &place);
    assert!(matches!(result, Err(Error::Untrusted { .. })), "{result:?}");
    assert!(server.asked().is_empty());
    assert_eq!(installed(&store), [("rex".to_owned(), 3)]);
}

#[test]
fn what_the_catalogue_does_not_have_is_said() {
    let place = Place::new();
    let store = place.open();
    let other = small::manifest("other");
    let packs = [small::pack("rex", 1, &other), small::pack("mia", 1, &place.manifest), small::pack("mia", 1, &other)];
    let catalog = catalog(1, &packs);
    let server = Server::of([]);
    match install(&store, &server, &catalog, "ada\u{1b}", &place) {
        Err(Error::NotFound { name, hint, .. }) => assert!(name == "ada" && hint.contains("`mia`, `rex`"), "{hint}"),
        result => panic!("{result:?}"),
    }
    match install(&store, &server, &catalog, "rex", &place) {
        Err(Error::WrongModel { subject, reason, .. }) => {
            assert!(subject == "rex" && reason.contains("`other`"), "{reason}")
        }
        result => panic!("{result:?}"),
    }
    let source = Source { downloader: &Downloader::new(), catalog: &catalog, url: &server.url("/x/catalog.json") };
    match store.install(&source, "mia", None, &mut (), &CancelToken::new()) {
        Err(Error::BadRequest { field: "name", reason, .. }) => {
            assert!(reason.contains("`other`, `toybox`"), "{reason}");
        }
        result => panic!("{result:?}"),
    }
    assert!(server.asked().is_empty());
}

#[test]
fn of_several_who_want_one_pack_one_downloads_it() {
    let place = Place::new();
    let packs = [small::pack("rex", 1, &place.manifest)];
    let catalog = catalog(1, &packs);
    let server = Server::of(files(&Publisher::new(), &catalog, &packs));
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let installed = install(&place.open(), &server, &catalog, "rex", &place).expect("installed");
                found.lock().expect("a list").push(installed.sha256);
            });
        }
    });
    assert_eq!(found.into_inner().expect("a list"), vec![catalog.packs[0].sha256; 4]);
    assert_eq!(server.asked().len(), 1);
    assert!(place.files("downloads").is_empty(), "{:?}", place.files("downloads"));
}

#[test]
fn a_catalogue_of_another_publisher_or_an_older_one_is_refused() {
    let place = Place::new();
    let publisher = Publisher::new();
    let store = place.open();
    let get = |serial: u64, signer: &Publisher, change: &dyn Fn(&mut Catalog)| {
        let mut catalog = catalog(serial, &[]);
        change(&mut catalog);
        let server = Server::of(files(signer, &catalog, &[]));
        let url = server.url("/x/catalog.json");
        store.catalog(&Downloader::new(), &url, &publisher.key(), &CancelToken::new())
    };
    let is_refused = |result: Result<Catalog>| matches!(result, Err(Error::Untrusted { .. }));
    assert_eq!(get(5, &publisher, &|_| {}).expect("fresh").serial, 5);
    assert!(is_refused(get(6, &Publisher::new(), &|_| {})));
    assert!(is_refused(get(4, &publisher, &|_| {})));
    assert!(is_refused(get(7, &publisher, &|catalog| catalog.expires = now() - 1)));
    assert!(is_refused(get(8, &publisher, &|catalog| {
        catalog.created = now() + 2 * 86_400;
        catalog.expires = now() + 3 * 86_400;
    })));
    assert!(get(5, &publisher, &|_| {}).is_ok() && get(6, &publisher, &|_| {}).is_ok());
}
