//! Several processes at one store.

use std::process::{Command, Stdio};

use cones_core::library::bundles::Expectation;
use cones_core::{BundleStore, CancelToken};

use crate::setup::{Place, asked, downloader, serving, toy};

const STORE: &str = "CONES_TEST_SHARED";
const URL: &str = "CONES_TEST_URL";
const KEY: &str = "CONES_TEST_KEY";

/// Not a test by itself: run by the tests below, several at once. Installs the bundle again and again, and looks at it.
#[test]
fn the_other_process() {
    let (Some(path), Ok(url), Ok(key)) = (std::env::var_os(STORE), std::env::var(URL), std::env::var(KEY)) else {
        return;
    };
    let key = cones_core::PublicKey::parse(&key).expect("a key");
    for _ in 0..10 {
        let store = BundleStore::open(&path).expect("a store");
        store
            .install_url(&downloader(), &url, &key, &Expectation::default(), &mut (), &CancelToken::new())
            .expect("installed");
        let listed = store.list().expect("a list");
        assert_eq!(listed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["toy"]);
        assert!(store.get("toy").expect("it is there").join("bundle.json").is_file());
    }
}

fn share(processes: usize) {
    let place = Place::new();
    let files = place.signed(toy(1));
    let server = serving(&files);
    std::fs::create_dir_all(place.path()).expect("a folder");
    let start = || {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "processes::the_other_process", "--nocapture"]);
        command.env(STORE, place.path()).env(URL, server.url("/b")).env(KEY, place.publisher.key().base64());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process")
    };
    let children: Vec<_> = (0..processes).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().expect("an end");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    place.holds(&[&files]);
    // Whoever comes second finds the first one's files.
    let large: Vec<String> = asked(&server).into_iter().filter(|name| !name.starts_with("bundle.json")).collect();
    assert_eq!(large.len(), 5, "{large:?}");
}

#[test]
fn two_processes_install_one_bundle_and_each_file_comes_once() {
    share(2);
}

#[test]
fn eight_processes_install_one_bundle_and_each_file_comes_once() {
    share(8);
}
