//! What the tests of this file share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cones_core::library::bundles::Expectation;
use cones_core::library::download::{Downloader, Limits};
use cones_core::model::bundle::MANIFEST;
use cones_core::{Bundle, BundleStore, CancelToken, Error, Result};
use cones_tests::publisher::Publisher;
use cones_tests::server::{Asked, Reply, Server};
use cones_tests::tiny::{self, Files};
use tempfile::TempDir;

/// A store, and a publisher to fill it.
pub(crate) struct Place {
    pub(crate) root: TempDir,
    pub(crate) publisher: Publisher,
    pub(crate) downloader: Downloader,
    pub(crate) cancel: CancelToken,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            root: tempfile::tempdir().expect("a folder"),
            publisher: Publisher::new(),
            downloader: downloader(),
            cancel: CancelToken::new(),
        }
    }

    /// The store's folder.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.path().join("store")
    }

    /// A folder beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn open(&self) -> BundleStore {
        BundleStore::open(self.path()).expect("a store")
    }

    /// The bundle's files with the publisher's signature of its manifest.
    pub(crate) fn signed(&self, mut files: Files) -> Files {
        let signature = self.publisher.sign(&files[MANIFEST]);
        files.insert(format!("{MANIFEST}.minisig"), signature.into_bytes());
        files
    }

    /// Installs the bundle that the server has at `/b/`.
    pub(crate) fn install(&self, server: &Server) -> Result<PathBuf> {
        self.install_from(&server.url("/b"))
    }

    pub(crate) fn install_from(&self, url: &str) -> Result<PathBuf> {
        self.install_expected(url, &Expectation::default())
    }

    pub(crate) fn install_expected(&self, url: &str, expected: &Expectation<'_>) -> Result<PathBuf> {
        self.open().install_url(&self.downloader, url, &self.publisher.key(), expected, &mut (), &self.cancel)
    }

    /// Everything in the store's folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.path())
    }

    /// The store holds exactly these bundles, whole, and nothing besides.
    #[track_caller]
    pub(crate) fn holds(&self, bundles: &[&Files]) {
        let found = self.open().list().expect("a list");
        assert_eq!(found.len(), bundles.len(), "{found:?}");
        for ((name, path), files) in found.iter().zip(bundles) {
            let bundle = Bundle::open(path).expect("a bundle");
            bundle.verify().expect("a whole bundle");
            assert_eq!(bundle.manifest().name, *name);
            let listed: Vec<String> = files.keys().filter(|name| !name.ends_with(".minisig")).cloned().collect();
            assert_eq!(names(path), listed);
            assert_eq!(std::fs::read(path.join(MANIFEST)).expect("a manifest"), files[MANIFEST]);
        }
        let names: Vec<&String> = found.iter().map(|(name, _)| name).collect();
        assert_eq!(self.names().iter().collect::<Vec<_>>(), names);
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// One with short waits.
pub(crate) fn downloader() -> Downloader {
    Downloader::with_limits(Limits {
        connect: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        attempts: 2,
        backoff: Duration::from_millis(4),
        ..Limits::default()
    })
}

/// A server that has these files at `/b/`.
pub(crate) fn serving(files: &Files) -> Server {
    Server::of(files.iter().map(|(name, bytes)| (format!("/b/{name}"), bytes.clone())))
}

/// The same, but `odd` may answer first; it says whether it did.
pub(crate) fn serving_but(files: &Files, odd: impl Fn(&Asked, &mut Reply) -> bool + Send + Sync + 'static) -> Server {
    let files = files.clone();
    Server::start(move |asked, reply| {
        if odd(asked, reply) {
            return;
        }
        match asked.path.strip_prefix("/b/").and_then(|name| files.get(name)) {
            Some(bytes) => reply.serve(asked, bytes),
            None => reply.status("404 Not Found"),
        }
    })
}

/// What was asked for: names, with `@N` behind them where not from the start. Not for whether there is a statement of keys.
pub(crate) fn asked(server: &Server) -> Vec<String> {
    let asked = server.asked();
    let shown = asked.iter().filter(|asked| !asked.path.ends_with("/keys.json.minisig")).map(|asked| {
        let name = asked.path.rsplit('/').next().unwrap_or_default();
        asked.from().map_or_else(|| name.to_owned(), |from| format!("{name}@{from}"))
    });
    shown.collect()
}

/// The two versions of a bundle that most tests use.
pub(crate) fn toy(version: u64) -> Files {
    tiny::bundle("toy", version)
}

/// The reason of a bad bundle.
#[track_caller]
pub(crate) fn bad<T>(result: Result<T>) -> String {
    match result {
        Err(Error::BadBundle { path, reason, hint, .. }) => {
            println!("{}: {reason} ({hint})", path.display());
            assert!(!hint.is_empty());
            format!("{}: {reason}", path.display())
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("this was accepted"),
    }
}

/// The reason of what is not to be trusted.
#[track_caller]
pub(crate) fn untrusted<T>(result: Result<T>) -> String {
    match result {
        Err(Error::Untrusted { what, reason, hint, .. }) => {
            println!("{what}: {reason} ({hint})");
            assert!(!hint.is_empty());
            format!("{what}: {reason}")
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("this was accepted"),
    }
}
