//! Full and read-only file systems, mounted where the system lets an ordinary process do that.

use std::process::Command;

use cones_core::library::bundles::Expectation;
use cones_core::{BundleStore, CancelToken, Error};

use crate::setup::{Place, asked, downloader, serving, toy};

const STORE: &str = "CONES_TEST_MOUNTED";
const URL: &str = "CONES_TEST_URL";
const KEY: &str = "CONES_TEST_KEY";

/// Not a test by itself: run by the tests below, where the store's folder is a file system of its own.
#[test]
fn the_other_process() {
    let (Some(path), Ok(url), Ok(key)) = (std::env::var_os(STORE), std::env::var(URL), std::env::var(KEY)) else {
        return;
    };
    let key = cones_core::PublicKey::parse(&key).expect("a key");
    let store = BundleStore::open(path).expect("a store");
    match store.install_url(&downloader(), &url, &key, &Expectation::default(), &mut (), &CancelToken::new()) {
        Ok(_) => println!("installed"),
        Err(Error::OutOfSpace { needed, .. }) => println!("out of space for {needed}"),
        Err(error) => println!("{error:?}"),
    }
    println!("list: {}", store.list().expect("a list").len());
}

/// Runs a script with a small file system on the store's folder. None where that is not allowed.
fn mounted(place: &Place, url: &str, script: &str) -> Option<Vec<String>> {
    let mut names = Command::new("true");
    names.env(STORE, place.path()).env(URL, url).env(KEY, place.publisher.key().base64());
    names.env("EXE", std::env::current_exe().expect("this program"));
    // Of one thread, as on one processor, the test's name would stand before what it says.
    let install = "$EXE --exact mounts::the_other_process --nocapture --test-threads 2";
    let output = cones_tests::mounted::run(&place.path(), "size=2m", &script.replace("INSTALL", install), &names)?;
    let text = cones_tests::mounted::said(&output);
    let said = |line: &&str| ["installed", "out of", "list", "Io", "Network"].iter().any(|word| line.starts_with(word));
    Some(text.lines().filter(said).map(str::to_owned).collect())
}

#[test]
fn what_does_not_fit_is_not_begun() {
    let place = Place::new();
    let files = place.signed(toy(1));
    let server = serving(&files);
    let script = format!(
        "head -c 1000k /dev/zero > ${STORE}/filler
        INSTALL
        rm ${STORE}/filler
        INSTALL"
    );
    let Some(said) = mounted(&place, &server.url("/b"), &script) else { return };
    assert!(said[0].starts_with("out of space for "), "{said:?}");
    assert_eq!(said[1..], ["list: 0", "installed", "list: 1"]);
    // Of the first call, manifest and signature.
    assert_eq!(asked(&server).len(), 2 + 7);
}

#[test]
fn a_read_only_store_is_read() {
    let place = Place::new();
    let server = serving(&place.signed(toy(1)));
    let script = format!(
        "INSTALL
        mount -o remount,ro ${STORE}
        INSTALL"
    );
    let Some(said) = mounted(&place, &server.url("/b"), &script) else { return };
    assert_eq!(said[..2], ["installed", "list: 1"]);
    assert!(said[2].contains("ReadOnlyFilesystem"), "{said:?}");
    assert_eq!(said[3], "list: 1");
}
