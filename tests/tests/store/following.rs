//! Statements of keys over HTTP: followed where they are, remembered where they are not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use cones_core::library::catalog::Catalog;
use cones_core::library::trust::{KeyStatement, STATEMENT};
use cones_core::{CancelToken, Downloader, Error, PackStore, Result, clock::now};
use cones_tests::publisher::{self, Publisher};
use cones_tests::server::Server;
use cones_tests::small;

use crate::Place;

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A published folder at `/x/` that changes while it is served.
struct Host {
    files: Files,
    server: Server,
    root: Publisher,
}

impl Host {
    /// One that says `missing` of what is not there.
    fn saying(missing: &'static str) -> Self {
        let files = Files::default();
        let served = Arc::clone(&files);
        let server = Server::start(move |asked, reply| {
            let files = served.lock().expect("files");
            let path = asked.path.split('?').next().unwrap_or_default();
            match (path.strip_prefix("/x/").and_then(|name| files.get(name)), missing) {
                (Some(bytes), _) => reply.serve(asked, bytes),
                (None, "a page") => reply.serve(asked, b"<!DOCTYPE html><title>Welcome</title>"),
                (None, "a long page") => reply.serve(asked, "<p>Welcome</p>".repeat(20_000).as_bytes()),
                (None, status) => reply.status(status),
            }
        });
        Self { files, server, root: Publisher::new() }
    }

    fn put(&self, name: &str, bytes: Vec<u8>) {
        self.files.lock().expect("files").insert(name.to_owned(), bytes);
    }

    fn remove(&self, name: &str) {
        self.files.lock().expect("files").retain(|other, _| !other.starts_with(name));
    }

    fn publish(&self, signer: &Publisher, serial: u64) {
        let mut catalog = publisher::catalog(serial, &[]);
        (catalog.created, catalog.expires) = (now() - 3600, now() + 86_400);
        let json = catalog.encode().expect("in order");
        self.put("catalog.json.minisig", signer.sign(&json).into_bytes());
        self.put("catalog.json", json);
    }

    fn statement(&self, version: u64, keys: &[&Publisher], revoked: &[&Publisher]) -> KeyStatement {
        let mut statement = publisher::statement(&self.root, version, keys, revoked);
        (statement.created, statement.expires) = (now() - 3600, now() + 86_400);
        statement
    }

    fn say(&self, version: u64, keys: &[&Publisher], revoked: &[&Publisher]) {
        let json = self.statement(version, keys, revoked).encode().expect("in order");
        self.put("keys.json.minisig", self.root.sign(&json).into_bytes());
        self.put(STATEMENT, json);
    }

    fn get(&self, store: &PackStore) -> Result<Catalog> {
        let url = self.server.url("/x/catalog.json?token=1");
        store.catalog(&Downloader::new(), &url, &self.root.key(), &CancelToken::new())
    }
}

#[track_caller]
fn refused<T>(result: Result<T>) -> String {
    match result {
        Err(Error::Untrusted { reason, .. }) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("this was accepted"),
    }
}

/// Whatever way a server has of saying that there is no such file: one more question, and all is as before there were statements.
#[test]
fn hosts_without_a_statement_go_on_as_ever() {
    for missing in ["404 Not Found", "403 Forbidden", "410 Gone", "a page", "a long page"] {
        let (place, host) = (Place::new(), Host::saying(missing));
        host.publish(&host.root, 1);
        assert_eq!(host.get(&place.open()).expect("signed").serial, 1, "{missing}");
        host.publish(&Publisher::new(), 2);
        assert!(refused(host.get(&place.open())).contains("another publisher"), "{missing}");
    }
    let (place, host) = (Place::new(), Host::saying("404 Not Found"));
    host.put("catalog.json", Vec::new());
    host.publish(&host.root, 1);
    host.get(&place.open()).expect("signed");
    let asked: Vec<String> = host.server.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(asked[0], "/x/keys.json.minisig?token=1", "what opens the catalogue to us opens what is beside it");
}

#[test]
fn a_statement_is_followed_and_remembered_where_it_is_gone() {
    let (place, host) = (Place::new(), Host::saying("404 Not Found"));
    let [desk, thief] = [(); 2].map(|()| Publisher::new());
    let store = place.open();
    host.say(1, &[&desk], &[]);
    host.publish(&desk, 1);
    host.get(&store).expect("the desk's");
    host.say(2, &[&desk], &[&thief]);
    host.publish(&thief, 2);
    assert!(refused(host.get(&store)).contains("revoked: a stolen laptop"));
    // The host strips it, or brings the old one back.
    host.remove(STATEMENT);
    assert!(refused(host.get(&store)).contains("revoked: a stolen laptop"));
    host.say(1, &[&desk, &thief], &[]);
    assert!(refused(host.get(&store)).contains("an older one"));
    host.remove(STATEMENT);
    host.publish(&host.root, 3);
    assert!(refused(host.get(&store)).contains("signs nothing but that"));
    host.publish(&desk, 3);
    assert_eq!(host.get(&place.open()).expect("the desk's").serial, 3);
}

/// Two apps that pin different keys, served from one folder: while publishers move to an offline root, old apps stay.
#[test]
fn a_statement_of_another_root_is_none_of_an_apps_business() {
    let (place, host) = (Place::new(), Host::saying("404 Not Found"));
    let old = Publisher::new();
    host.say(1, &[&old], &[]);
    host.publish(&old, 1);
    let url = host.server.url("/x/catalog.json");
    let store = place.open();
    store.catalog(&Downloader::new(), &url, &old.key(), &CancelToken::new()).expect("an old app's");
    host.get(&store).expect("a new app's");
}

#[test]
fn a_damaged_statement_of_the_own_root_is_refused() {
    let (place, host) = (Place::new(), Host::saying("404 Not Found"));
    host.publish(&host.root, 1);
    let json = host.statement(1, &[&host.root], &[]).encode().expect("in order");
    host.put("keys.json.minisig", host.root.sign(b"something else").into_bytes());
    host.put(STATEMENT, json);
    assert!(refused(host.get(&place.open())).contains("changed or damaged"));
    // One half of it alone is none yet.
    host.remove("keys.json");
    host.put("keys.json.minisig", host.root.sign(b"something else").into_bytes());
    host.get(&place.open()).expect("as before");
}

#[test]
fn a_server_in_trouble_is_not_taken_for_one_without_a_statement() {
    let (place, host) = (Place::new(), Host::saying("500 Internal Server Error"));
    host.publish(&host.root, 1);
    let once = cones_core::library::download::Limits { attempts: 1, attempts_in_all: 1, ..Default::default() };
    let url = host.server.url("/x/catalog.json");
    let got = place.open().catalog(&Downloader::with_limits(once), &url, &host.root.key(), &CancelToken::new());
    let Err(Error::Network { url, .. }) = got else { panic!("{got:?}") };
    assert!(url.ends_with("keys.json.minisig"), "{url}");
}

#[test]
fn a_pack_of_a_thiefs_is_replaced_by_the_next_update() {
    let (place, host) = (Place::new(), Host::saying("404 Not Found"));
    let [desk, thief] = [(); 2].map(|()| Publisher::new());
    let store = place.open();
    let url = host.server.url("/x/catalog.json");
    let publish = |signer: &Publisher, serial: u64, version: u32| {
        let pack = small::pack("rex", version, &place.manifest);
        let mut catalog = publisher::catalog(serial, std::slice::from_ref(&pack));
        (catalog.created, catalog.expires) = (now() - 3600, now() + 86_400);
        let json = catalog.encode().expect("in order");
        host.put(&format!("rex-{version}.cones"), pack.encode().expect("within limits"));
        host.put("catalog.json.minisig", signer.sign(&json).into_bytes());
        host.put("catalog.json", json);
        host.get(&store).expect("accepted")
    };
    let downloader = Downloader::new();
    host.say(1, &[&desk, &thief], &[]);
    let theirs = publish(&thief, 1, 4_000_000_000);
    let source = |catalog| cones_core::library::Source { downloader: &downloader, catalog, url: &url };
    store.install(&source(&theirs), "rex", None, &mut (), &CancelToken::new()).expect("installed");
    host.say(2, &[&desk], &[&thief]);
    let ours = publish(&desk, 2, 3);
    assert!(store.load("rex", &place.manifest).is_err());
    let updated = store.update(&source(&ours), &mut (), &CancelToken::new()).expect("updated");
    assert_eq!(updated.iter().map(|pack| pack.header.metadata.version).collect::<Vec<_>>(), [3]);
    assert!(store.load("rex", &place.manifest).is_ok());
}
