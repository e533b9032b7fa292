//! The vectors in `tests/golden`.

use std::path::{Path, PathBuf};

use cones_core::Bundle;
use serde::de::DeserializeOwned;

/// The path of a file below `tests/golden`.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

/// A file's bytes.
pub fn read(name: &str) -> Vec<u8> {
    let path = path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A JSON file.
pub fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Vectors say nothing about a bundle with other weights.
pub fn check_weights(fingerprint: &str, bundle: &Bundle) {
    assert_eq!(
        fingerprint,
        bundle.manifest().fingerprint.to_string(),
        "the golden vectors were made with other weights than {}; make them again with `cargo xtask golden`",
        bundle.path().display()
    );
}
