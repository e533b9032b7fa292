//! The pack store: what it takes, keeps and gives, and what becomes of it when processes die, files rot and others write
//! at the same time. Takes about 15 s.

mod catalogues;
mod damage;
mod downloaded;
mod fetching;
mod following;
mod installing;
#[cfg(unix)]
mod killed;
mod leftovers;
mod memory;
#[cfg(target_os = "linux")]
mod mounts;
mod refused;
mod rotation;
mod together;

use std::path::{Path, PathBuf};

use cones_core::PackStore;
use cones_core::model::manifest::Manifest;
use cones_tests::small;
use tempfile::TempDir;

/// A store with packs to put in.
struct Place {
    folder: TempDir,
    manifest: Manifest,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a folder"), manifest: small::manifest("toybox") };
        std::fs::create_dir(place.packs()).expect("a folder");
        place
    }

    /// The store's folder.
    fn path(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// A folder with pack files.
    fn packs(&self) -> PathBuf {
        self.folder.path().join("packs")
    }

    fn open(&self) -> PackStore {
        PackStore::open(self.path()).expect("a store")
    }

    /// A pack file that is not installed.
    fn file(&self, name: &str, version: u32) -> PathBuf {
        self.file_for(name, version, &self.manifest)
    }

    fn file_for(&self, name: &str, version: u32, manifest: &Manifest) -> PathBuf {
        let folder = self.packs().join(&manifest.name);
        std::fs::create_dir_all(&folder).expect("a folder");
        small::file(&folder, &small::pack(name, version, manifest))
    }

    /// The files of a folder of the store, without those that are there from the beginning.
    fn files(&self, folder: &str) -> Vec<String> {
        let names = std::fs::read_dir(self.path().join(folder))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
        let mut names: Vec<_> = names
            .filter(|name| !matches!(name.as_str(), ".lock" | "store.json" | "trust.json" | "objects" | "downloads"))
            .collect();
        names.sort();
        names
    }
}

/// Names and versions of what is installed.
fn installed(store: &PackStore) -> Vec<(String, u32)> {
    let pair =
        |found: cones_core::library::packs::Installed| (found.header.metadata.name, found.header.metadata.version);
    store.list().expect("a list").into_iter().map(pair).collect()
}

/// A worker in a process of its own.
fn worker(arguments: &[&str], folders: [&Path; 2]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_store_worker"));
    command.arg(arguments[0]).args(folders).args(&arguments[1..]);
    command
}
