//! A process that installs one version after the other is killed at random moments: the store always opens, and the
//! bundle is there, whole, in one version or the other. More often by `cargo xtask endure kills`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cones_core::library::bundles::Expectation;
use cones_core::model::bundle::MANIFEST;
use cones_core::{Bundle, BundleStore, CancelToken};
use cones_tests::endure;
use cones_tests::server::Server;

use crate::setup::{Place, downloader, toy};

/// Longer than two installs take, so that a kill may hit any part of one.
const LONGEST_LIFE_MICROS: u64 = 120_000;
const STORE: &str = "CONES_TEST_STORE";
const URL: &str = "CONES_TEST_URL";
const KEY: &str = "CONES_TEST_KEY";
const ORDER: &str = "CONES_TEST_ORDER";

/// Not a test by itself: run by the test below, in a process of its own.
#[test]
fn the_other_process() {
    let (Some(path), Ok(url), Ok(key)) = (std::env::var_os(STORE), std::env::var(URL), std::env::var(KEY)) else {
        return;
    };
    let key = cones_core::PublicKey::parse(&key).expect("a key");
    let order = std::env::var(ORDER).expect("an order");
    loop {
        for version in order.split(' ') {
            let store = BundleStore::open(&path).expect("a store");
            let url = format!("{url}/{version}");
            store
                .install_url(&downloader(), &url, &key, &Expectation::default(), &mut (), &CancelToken::new())
                .expect("installed");
            // Heard by the parent: a line in a test's own output.
            println!("installed {version}");
        }
    }
}

#[test]
fn the_bundle_is_whole_after_each_kill() {
    let place = Place::new();
    let versions = [1, 2].map(|version| place.signed(toy(version)));
    let served = (1..).zip(&versions).flat_map(|(version, files)| {
        files.iter().map(move |(name, bytes)| (format!("/{version}/{name}"), bytes.clone()))
    });
    let server = Server::of(served);
    place.install_from(&server.url("/1")).expect("installed");
    let (mut found, mut inside, kills) = ([0, 0], 0, endure::times(60));
    for round in 0..kills {
        live(&place, &server, round);
        inside += u32::from(place.names().iter().any(|name| name.starts_with('.')));
        let path = place.open().get("toy").expect("it is there");
        Bundle::open(&path).and_then(|bundle| bundle.verify()).expect("whole");
        let json = std::fs::read(path.join(MANIFEST)).expect("a manifest");
        let version = versions.iter().position(|files| files[MANIFEST] == json).expect("one of the two");
        found[version] += 1;
        // What is left is one bundle that is coming, or nothing.
        assert!(place.names().len() <= 3, "round {round}: {:?}", place.names());
    }
    endure::say(
        "installs of base models",
        format_args!(
            "{kills} kills, {inside} of them inside an install; {} and {} of the two versions were found, all whole",
            found[0], found[1]
        ),
    );
    assert!(inside > 0 && found[0] > 0 && found[1] > 0, "no kill hit anything");
    place.install_from(&server.url("/1")).expect("installed");
    place.open().clear_interrupted().expect("cleared");
    place.holds(&[&versions[0]]);
}

/// Starts the other process and kills it after a random while.
fn live(place: &Place, server: &Server, round: u64) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "killed::the_other_process", "--nocapture"])
        .env(STORE, place.path())
        .env(URL, server.url(""))
        .env(KEY, place.publisher.key().base64())
        .env(ORDER, if round.is_multiple_of(2) { "1 2" } else { "2 1" })
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("another process");
    let mut said = BufReader::new(child.stdout.take().expect("its output"));
    // Two thirds of the kills come when it has begun.
    let mut text = String::new();
    while !round.is_multiple_of(3) && !text.contains("running") {
        assert!(said.read_line(&mut text).expect("a line") > 0, "{text}");
    }
    let life = Duration::from_micros(endure::scattered(round, LONGEST_LIFE_MICROS));
    let start = Instant::now();
    while start.elapsed() < life {
        std::thread::sleep(Duration::from_micros(50));
    }
    assert!(child.try_wait().expect("a child").is_none(), "it ended by itself");
    // SIGKILL, on Unix.
    child.kill().expect("a kill");
    child.wait().expect("an end");
    said.read_to_string(&mut text).expect("its last words");
}
