//! What the tests of this file share.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use cones_core::library::download::{Downloader, Expected, Limits};
use cones_core::{CancelToken, Error, Result, Sha256};
use cones_tests::server::{Server, content};
use tempfile::TempDir;

/// Longer than what is read at once, several times.
pub(crate) const LENGTH: usize = 300_000;

/// The file that is to come.
pub(crate) fn whole() -> Vec<u8> {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| content(LENGTH, 1)).clone()
}

/// What is known of it beforehand.
pub(crate) fn expected(content: &[u8]) -> Expected {
    Expected { bytes: content.len() as u64, sha256: Sha256::digest(content) }
}

/// Short waits, so that tests are quick; long enough for a busy machine.
pub(crate) fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        attempts: 4,
        attempts_in_all: 50,
        backoff: Duration::from_millis(4),
        longest_wait: Duration::from_secs(5),
        redirects: 3,
    }
}

/// A place to download to.
pub(crate) struct Place {
    pub(crate) root: TempDir,
    pub(crate) downloader: Downloader,
    pub(crate) cancel: CancelToken,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(limits())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        Self { root, downloader: Downloader::with_limits(limits), cancel: CancelToken::new() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("file")
    }

    /// Downloads `/file`, expecting [`whole`].
    pub(crate) fn get(&self, server: &Server) -> Result<()> {
        self.get_as(server, &expected(&whole()))
    }

    pub(crate) fn get_as(&self, server: &Server, expected: &Expected) -> Result<()> {
        self.get_url(&server.url("/file"), expected)
    }

    pub(crate) fn get_url(&self, url: &str, expected: &Expected) -> Result<()> {
        self.downloader.file(url, expected, &self.path(), &mut (), &self.cancel)
    }

    /// The names of all files, hidden ones included.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The file is there as it should be, and nothing else.
    #[track_caller]
    pub(crate) fn is_whole(&self) {
        assert_eq!(std::fs::read(self.path()).expect("the file"), whole());
        assert_eq!(self.names(), ["file"]);
    }

    /// Nothing at all is there.
    #[track_caller]
    pub(crate) fn is_empty(&self) {
        assert!(self.names().is_empty(), "{:?}", self.names());
    }

    /// How many bytes of the file have come.
    pub(crate) fn came(&self) -> usize {
        std::fs::metadata(self.folder().join(".file.part")).map_or(0, |m| m.len() as usize)
    }
}

/// The first line of a network error's text.
#[track_caller]
pub(crate) fn network<T>(result: Result<T>) -> String {
    match result {
        Err(error @ Error::Network { .. }) => shown(&error),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("this was accepted"),
    }
}

/// The first line of the text of an error for what is not to be trusted.
#[track_caller]
pub(crate) fn untrusted<T>(result: Result<T>) -> String {
    match result {
        Err(error @ Error::Untrusted { .. }) => shown(&error),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("this was accepted"),
    }
}

fn shown(error: &Error) -> String {
    let text = error.to_string();
    println!("{text}");
    assert!(error.hint().is_some_and(|hint| !hint.trim().is_empty()), "{text}");
    text
}
