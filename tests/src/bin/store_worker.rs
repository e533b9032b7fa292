//! Works on a pack store in a process of its own, which tests kill, or start several of.
//!
//! `store_worker replace STORE PACKS SEED` installs and removes packs until it is killed, and says what it does.
//! `store_worker fetch STORE CATALOGUE URL SEED` does so with the packs of a catalogue, downloading them.
//! `store_worker share STORE PACKS SEED STEPS` does so beside others, and checks what it reads.
//! `store_worker install STORE FILE` installs one file and says what came of it.
//! `store_worker remove STORE NAME` removes one pack and says so.

use std::io::Write;
use std::path::{Path, PathBuf};

use cones_core::library::Source;
use cones_core::{CancelToken, Downloader, Error, PackStore, Result};
use cones_tests::small;

/// Each is there in each version, as `NAME-VERSION.cones`.
const NAMES: [&str; 3] = ["ada", "bob", "cid"];
const VERSIONS: u64 = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match arguments.as_slice() {
        ["replace", store, packs, seed] => replace(store.as_ref(), packs.as_ref(), number(seed)),
        ["fetch", store, catalog, url, seed] => fetch(store.as_ref(), catalog.as_ref(), url, number(seed)),
        ["share", store, packs, seed, steps] => share(store.as_ref(), packs.as_ref(), number(seed), number(steps)),
        ["install", store, file] => install(store.as_ref(), file.as_ref()),
        ["remove", store, name] => match PackStore::open(store).and_then(|store| store.remove(name, None)) {
            Ok(removed) => say(format_args!("removed: {removed}")),
            Err(error) => say(format_args!("remove: {error:?}")),
        },
        _ => panic!("{arguments:?}"),
    }
}

fn say(text: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).expect("somebody listens");
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn path(packs: &Path, name: &str, version: u64) -> PathBuf {
    packs.join(format!("{name}-{version}.cones"))
}

fn replace(folder: &Path, packs: &Path, seed: u64) -> ! {
    change(folder, seed, VERSIONS, |store, name, version| {
        store.install_file(&path(packs, name, version), None).map(drop)
    })
}

/// `catalog` is the file of a catalogue that is served at `url`, with one version of each pack.
fn fetch(folder: &Path, catalog: &Path, url: &str, seed: u64) -> ! {
    let json = std::fs::read(catalog).expect("a catalogue");
    let catalog = serde_json::from_slice(&json).expect("a catalogue");
    let source = Source { downloader: &Downloader::new(), catalog: &catalog, url };
    change(folder, seed, 1, |store, name, _| store.install(&source, name, None, &mut (), &CancelToken::new()).map(drop))
}

/// Says `begin NAME VERSION` and `end`, with version 0 for removing. Opens the store anew now and then.
fn change(folder: &Path, seed: u64, versions: u64, install: impl Fn(&PackStore, &str, u64) -> Result<()>) -> ! {
    let mut state = seed;
    loop {
        let store = PackStore::open(folder).expect("a store");
        say(format_args!("open"));
        for _ in 0..8 {
            let name = NAMES[(random(&mut state) % 3) as usize];
            let version = random(&mut state) % (versions + 1);
            say(format_args!("begin {name} {version}"));
            match version {
                0 => drop(store.remove(name, None).expect("removed")),
                _ => install(&store, name, version).expect("installed"),
            }
            say(format_args!("end"));
        }
    }
}

/// `ada` is replaced all the time and never removed, the others come and go.
fn share(folder: &Path, packs: &Path, seed: u64, steps: u64) {
    let manifest = small::manifest("toybox");
    let mut state = seed;
    let mut store = PackStore::open(folder).expect("a store");
    for _ in 0..steps {
        let name = NAMES[(random(&mut state) % 3) as usize];
        match random(&mut state) % 8 {
            0 => store = PackStore::open(folder).expect("a store"),
            1 if name != "ada" => drop(store.remove(name, None).expect("removed")),
            1..4 => {
                let version = 1 + random(&mut state) % VERSIONS;
                drop(store.install_file(&path(packs, name, version), Some(&manifest)).expect("installed"));
            }
            4 => {
                let packs = store.list().expect("a list");
                assert!(packs.is_sorted_by(|a, b| a.header.metadata.name < b.header.metadata.name), "{packs:?}");
                assert!(packs.iter().any(|pack| pack.header.metadata.name == "ada"));
            }
            5 => assert_eq!(store.verify().expect("verified").len(), 0),
            6 => check(name, store.get(name, Some(manifest.fingerprint)).map(|found| found.header.metadata.name)),
            _ => check(name, store.load(name, &manifest).map(|pack| pack.metadata.name)),
        }
    }
}

fn check(name: &str, found: Result<String>) {
    match found {
        Ok(found) => assert_eq!(found, name),
        Err(Error::NotFound { .. }) if name != "ada" => {}
        Err(error) => panic!("{name}: {error}"),
    }
}

fn install(folder: &Path, file: &Path) {
    let store = match PackStore::open(folder) {
        Ok(store) => store,
        Err(error) => return say(format_args!("open: {error:?}")),
    };
    match store.install_file(file, None) {
        Ok(installed) => say(format_args!("installed: {}", installed.header.metadata.name)),
        Err(error) => say(format_args!("install: {error:?}")),
    }
    match store.list() {
        Ok(packs) => say(format_args!("list: {}", packs.len())),
        Err(error) => say(format_args!("list: {error:?}")),
    }
}
