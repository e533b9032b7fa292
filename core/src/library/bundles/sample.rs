//! Folders of bundles for tests.

use std::path::Path;

use super::folder::Folder;
use crate::model::bundle::MANIFEST;

pub(super) fn folder() -> (tempfile::TempDir, Folder) {
    let root = tempfile::tempdir().expect("a folder");
    let folder = Folder::make(root.path()).expect("a folder");
    (root, folder)
}

pub(super) fn bundle(path: &Path, text: &str) {
    std::fs::create_dir_all(path).expect("a folder");
    std::fs::write(path.join(MANIFEST), text).expect("a manifest");
}

pub(super) fn read(folder: &Folder, name: &str) -> String {
    std::fs::read_to_string(folder.bundle(name).join(MANIFEST)).expect("a manifest")
}

pub(super) fn names(folder: &Folder) -> Vec<String> {
    folder.entries().expect("entries")
}
