//! Packs of a catalogue on a local server.

use std::sync::{Arc, Mutex};

use cones::{CallbackError, CancelToken, ConesError, DownloadListener, DownloadProgress, PackStore};
use cones_core::library::trust::{DelegatedKey, KeyStatement, RevokedKey};
use cones_tests::publisher::{Publisher, catalog};
use cones_tests::server::Server;
use cones_tests::{base, small};

use crate::base::{bundle, folder, thrown, within};

type Act = Box<dyn Fn(&DownloadProgress) -> Result<(), CallbackError> + Send + Sync>;

struct Acting {
    seen: Mutex<Vec<DownloadProgress>>,
    act: Act,
}

impl Acting {
    fn new(act: impl Fn(&DownloadProgress) -> Result<(), CallbackError> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { seen: Mutex::default(), act: Box::new(act) })
    }
}

impl DownloadListener for Acting {
    fn on_received(&self, progress: DownloadProgress) -> Result<(), CallbackError> {
        self.seen.lock().expect("no panic").push(progress.clone());
        (self.act)(&progress)
    }
}

/// Somebody who offers the pack `rex`, and their key.
struct Offer {
    server: Server,
    json: Vec<u8>,
    signature: String,
    key: String,
    publisher: Publisher,
}

impl Offer {
    fn new() -> Self {
        let publisher = Publisher::new();
        let pack = small::pack("rex", 1, base::bundle().manifest());
        let mut offered = catalog(1, std::slice::from_ref(&pack));
        (offered.created, offered.expires) = (cones_core::clock::now(), cones_core::clock::now() + 86_400);
        let json = offered.encode().expect("a catalogue");
        let signature = publisher.sign(&json);
        let files = [
            ("/catalog.json".to_owned(), json.clone()),
            ("/catalog.json.minisig".to_owned(), signature.clone().into_bytes()),
            ("/rex-1.cones".to_owned(), pack.encode().expect("within limits")),
        ];
        Self { server: Server::of(files), json, signature, key: publisher.key_file(), publisher }
    }

    fn url(&self) -> String {
        self.server.url("/catalog.json")
    }
}

#[test]
fn a_pack_of_a_catalogue_is_installed() {
    let (offer, folder) = (Offer::new(), folder());
    let store = PackStore::open(within(&folder, "packs")).expect("a store");
    let catalog = store.fetch_catalog(offer.url(), offer.key.clone(), None).expect("a catalogue");
    assert_eq!((catalog.info().publisher.as_str(), catalog.info().serial), ("Somebody", 1));
    assert_eq!(catalog.packs().iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["rex"]);
    assert!(catalog.bundles().is_empty());
    let listener = Acting::new(|_| Ok(()));
    let info =
        store.install(catalog.clone(), "rex".into(), Some(bundle()), Some(listener.clone()), None).expect("installed");
    assert_eq!(store.list().expect("a list"), std::slice::from_ref(&info));
    let seen = listener.seen.lock().expect("no panic");
    let last = seen.last().expect("it was told");
    assert_eq!((last.name.as_str(), last.bytes, last.total), ("rex", info.bytes, info.bytes));
    let missing = store.install(catalog, "nobody".into(), None, None, None);
    assert!(matches!(missing, Err(ConesError::NotFound { .. })), "{missing:?}");
}

#[test]
fn a_catalogue_that_the_app_got_is_checked_the_same_way() {
    let (offer, folder) = (Offer::new(), folder());
    let store = PackStore::open(within(&folder, "packs")).expect("a store");
    let accept = |json: &[u8], key: String| store.accept_catalog(offer.url(), json, offer.signature.clone(), key);
    let catalog = accept(&offer.json, offer.key.clone()).expect("a catalogue");
    store.install(catalog, "rex".into(), None, None, None).expect("installed");
    let mut changed = offer.json.clone();
    changed.push(b' ');
    assert!(matches!(accept(&changed, offer.key.clone()), Err(ConesError::Untrusted { .. })));
    assert!(matches!(accept(&offer.json, Publisher::new().key_file()), Err(ConesError::Untrusted { .. })));
    assert!(matches!(accept(&offer.json, "no key".into()), Err(ConesError::Untrusted { .. })));
}

#[test]
fn a_listener_that_throws_stops_the_download_and_the_next_one_succeeds() {
    let (offer, folder) = (Offer::new(), folder());
    let store = PackStore::open(within(&folder, "packs")).expect("a store");
    let catalog = store.fetch_catalog(offer.url(), offer.key.clone(), None).expect("a catalogue");
    let cancel = CancelToken::new();
    let throwing = Acting::new(|_| Err(thrown()));
    let failed = store.install(catalog.clone(), "rex".into(), None, Some(throwing), Some(cancel.clone()));
    assert!(
        matches!(failed, Err(ConesError::ListenerFailed { ref reason, .. }) if reason == "on purpose"),
        "{failed:?}"
    );
    assert!(!cancel.is_cancelled());
    store.install(catalog.clone(), "rex".into(), None, None, Some(cancel.clone())).expect("installed");
    store.remove("rex".into(), None).expect("removed");
    cancel.cancel();
    let cancelled = store.install(catalog, "rex".into(), None, None, Some(cancel));
    assert!(matches!(cancelled, Err(ConesError::Cancelled { .. })), "{cancelled:?}");
}

#[test]
fn nobody_there_is_a_network_error() {
    let folder = folder();
    let store = PackStore::open(within(&folder, "packs")).expect("a store");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let key = Publisher::new().key_file();
    let refused = store.fetch_catalog(format!("http://127.0.0.1:{port}/catalog.json"), key.clone(), None);
    assert!(matches!(refused, Err(ConesError::Network { .. })), "{refused:?}");
    let plain = store.fetch_catalog("http://example.com/catalog.json".into(), key, None);
    assert!(plain.is_err(), "not without TLS");
}

#[test]
fn a_publisher_hands_signing_over_by_a_statement_that_the_app_got() {
    let (offer, folder) = (Offer::new(), folder());
    let root = Publisher::new();
    let store = PackStore::open(within(&folder, "packs")).expect("a store");
    let accept = || store.accept_catalog(offer.url(), &offer.json, offer.signature.clone(), root.key_file());
    let Err(ConesError::Untrusted { reason, .. }) = accept().map(drop) else { panic!("it is another's") };
    assert!(reason.contains("another publisher"), "{reason}");
    let say = |version, counts| {
        let now = cones_core::clock::now();
        let mut keys = KeyStatement::new(root.key().base64(), version, now, now + 86_400);
        match counts {
            true => keys.keys.push(DelegatedKey::new(offer.publisher.key().base64(), 0)),
            false => keys.revoked.push(RevokedKey::new(offer.publisher.key().base64(), "a stolen laptop")),
        }
        let json = keys.encode().expect("in order");
        store.accept_keys("keys.json".into(), &json, root.sign(&json), root.key_file())
    };
    say(1, true).expect("remembered");
    store.install(accept().expect("it counts"), "rex".into(), None, None, None).expect("installed");
    say(2, false).expect("remembered");
    let Err(ConesError::Untrusted { reason, .. }) = accept().map(drop) else { panic!("it is revoked") };
    assert!(reason.contains("a stolen laptop"), "{reason}");
    let told = store.get("rex".into(), None).expect("installed").withdrawn.expect("told");
    assert!(told.contains("a stolen laptop"), "{told}");
    assert!(matches!(say(1, true), Err(ConesError::Untrusted { .. })), "an older one");
}
