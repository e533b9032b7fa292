//! A process that installs, replaces and removes packs is killed at random moments; more often by `cargo xtask endure kills`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cones_core::library::Source;
use cones_core::{CancelToken, Downloader, Pack, clock};
use cones_tests::server::Server;
use cones_tests::{endure, publisher, small};

use crate::{Place, installed, worker};

/// Longer than opening the store and some changes take, so that a kill may hit any of them.
const LONGEST_LIFE_MICROS: u64 = 80_000;

#[test]
fn each_pack_is_whole_or_absent_after_each_kill() {
    let place = Place::new();
    let folder = place.packs().join("toybox");
    for name in ["ada", "bob", "cid"] {
        (1..=3).for_each(|version| drop(place.file(name, version)));
    }
    kill("installs, replacements and removals of packs", &place, endure::times(200), |round| {
        assert!(place.files("downloads").is_empty(), "round {round}");
        worker(&["replace", &round.to_string()], [&place.path(), &folder])
    });
}

/// What came of a download stays, at most one of each pack, and the next install takes it up.
#[test]
fn so_it_is_with_packs_that_are_being_downloaded() {
    let place = Place::new();
    let packs = ["ada", "bob", "cid"].map(|name| small::pack(name, 1, &place.manifest));
    let mut catalog = publisher::catalog(1, &packs);
    (catalog.created, catalog.expires) = (clock::now(), clock::now() + 86_400);
    let json = place.packs().join("catalog.json");
    std::fs::write(&json, catalog.encode().expect("in order")).expect("a file");
    let file = |pack: &Pack| (format!("/{}-1.cones", pack.metadata.name), pack.encode().expect("within limits"));
    let files: BTreeMap<String, Vec<u8>> = packs.iter().map(file).collect();
    let server = Server::start(move |asked, reply| {
        let content = &files[&asked.path];
        if asked.from().is_some() {
            return reply.serve(asked, content);
        }
        // In two halves, so that kills come between them.
        let (first, second) = content.split_at(content.len() / 2);
        reply.head("200 OK", &[("Content-Length", &content.len().to_string())]);
        reply.send(first);
        std::thread::sleep(Duration::from_millis(5));
        reply.send(second);
    });
    let url = server.url("/catalog.json");
    kill("downloads of packs", &place, endure::times(60), |round| {
        let left = place.files("downloads");
        // Of each pack a part with its note, a whole file, and two locks.
        assert!(left.len() <= 5 * packs.len(), "round {round}: {left:?}");
        worker(&["fetch", &url, &round.to_string()], [&place.path(), &json])
    });
    let store = place.open();
    let source = Source { downloader: &Downloader::new(), catalog: &catalog, url: &url };
    for pack in &packs {
        store.remove(&pack.metadata.name, None).expect("removed");
        store.install(&source, &pack.metadata.name, None, &mut (), &CancelToken::new()).expect("installed");
    }
    assert_eq!(installed(&store).len(), packs.len() + 1);
    assert!(place.files("downloads").is_empty(), "{:?}", place.files("downloads"));
}

/// Kills a worker so many times, and each time looks whether the store holds what the worker said.
fn kill(what: &str, place: &Place, kills: u64, worker: impl Fn(u64) -> Command) {
    let store = place.open();
    store.install_file(&place.file("untouched", 1), None).expect("installed");
    let mut expected: BTreeMap<String, u32> = BTreeMap::new();
    let (mut inside, mut changes) = (0, 0);
    for round in 0..kills {
        let said = live(worker(round), round);
        let mut doing = None;
        for line in said.lines() {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["begin", name, version] => {
                    doing = Some(((*name).to_owned(), version.parse::<u32>().expect("a version")));
                }
                ["end"] => {
                    let (name, version) = doing.take().expect("a beginning");
                    put(&mut expected, name, version);
                    changes += 1;
                }
                _ => {}
            }
        }
        let store = place.open();
        let found: BTreeMap<String, u32> =
            installed(&store).into_iter().filter(|(name, _)| name != "untouched").collect();
        if let Some((name, version)) = doing {
            inside += 1;
            let mut done = expected.clone();
            put(&mut done, name, version);
            assert!(
                found == expected || found == done,
                "round {round}: {found:?} is neither {expected:?} nor {done:?}"
            );
        } else {
            assert_eq!(found, expected, "round {round}");
        }
        expected = found;
        assert_eq!(store.get("untouched", None).expect("installed").header.metadata.version, 1);
        assert!(store.verify().expect("verified").is_empty(), "round {round}");
        for (name, version) in &expected {
            assert_eq!(store.load(name, &place.manifest).expect("whole").metadata.version, *version);
        }
        assert_eq!(place.files("objects").len(), expected.len() + 1, "round {round}: objects that are not listed");
        assert!(place.files("").is_empty(), "round {round}");
    }
    endure::say(
        what,
        format_args!("{kills} kills, {inside} of them inside one of {changes} changes; 0 broken stores, 0 lost packs"),
    );
    assert!(inside > 0 && changes > 0, "no kill hit anything");
}

/// Starts a worker, kills it after a random while, and gives what it said.
fn live(mut command: Command, round: u64) -> String {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("a process");
    let mut said = BufReader::new(child.stdout.take().expect("its output"));
    // Two thirds of the kills come when it has begun, the others may hit its first opening of the store as well.
    let mut text = String::new();
    if !round.is_multiple_of(3) {
        said.read_line(&mut text).expect("a line");
    }
    let life = Duration::from_micros(endure::scattered(round, LONGEST_LIFE_MICROS));
    let start = Instant::now();
    while start.elapsed() < life {
        std::thread::sleep(Duration::from_micros(50));
    }
    // SIGKILL, on Unix.
    child.kill().expect("a kill");
    child.wait().expect("an end");
    said.read_to_string(&mut text).expect("its last words");
    text
}

fn put(packs: &mut BTreeMap<String, u32>, name: String, version: u32) {
    match version {
        0 => packs.remove(&name),
        _ => packs.insert(name, version),
    };
}
