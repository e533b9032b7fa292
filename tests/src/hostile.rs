//! Copies of a bundle to damage.

use std::path::{Path, PathBuf};

use cones_core::model::bundle::MANIFEST;
use cones_core::{CancelToken, Sha256};
use serde_json::Value;
use tempfile::TempDir;

/// A field of a protobuf message that has a length: a text, or a message.
pub fn field(number: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut bytes = number_of(number << 3 | 2);
    bytes.extend(number_of(content.len() as u64));
    bytes.extend(content);
    bytes
}

/// A number as protobuf writes it.
pub fn number_of(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// ONNX's `TensorProto`, said to lie in the file `location`.
pub fn tensor_in(location: &str) -> Vec<u8> {
    let entry = [field(1, "location"), field(2, location)].concat();
    [vec![8, 1, 16, 1], field(8, "weight"), field(13, entry), vec![14 << 3, 1]].concat()
}

/// An ONNX graph of one weight, said to lie in the file `location`.
pub fn graph_with_weights_in(location: &str) -> Vec<u8> {
    [vec![8, 8], field(7, field(5, tensor_in(location)))].concat()
}

/// A copy of the base model's bundle in a folder of its own. Files are hard links where possible; whatever is changed
/// is written anew, so the original stays as it is.
#[derive(Debug)]
pub struct Copy(TempDir);

impl Copy {
    /// An undamaged copy.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for entry in std::fs::read_dir(crate::base::folder()).expect("the base model's bundle") {
            let source = entry.expect("an entry").path();
            let target = folder.path().join(source.file_name().expect("a name"));
            if std::fs::hard_link(&source, &target).is_err() {
                std::fs::copy(&source, &target).expect("a copy");
            }
        }
        Self(folder)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// One file's path.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// One file's bytes.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).expect("a file of the bundle")
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.file(name)).expect("a file of the bundle");
    }

    /// Writes a file anew, leaving the manifest as it is.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        // Writing through the hard link would damage the original.
        let _ = std::fs::remove_file(self.file(name));
        std::fs::write(self.file(name), content).expect("a file of the bundle");
    }

    /// Writes a file anew and lists it with its true size and hash.
    pub fn replace(&self, name: &str, content: impl AsRef<[u8]>) {
        self.write(name, &content);
        let sha256 = Sha256::of_file(&self.file(name), &CancelToken::new()).expect("a hash");
        self.edit(|manifest| {
            manifest["files"][name] = serde_json::json!({ "bytes": content.as_ref().len(), "sha256": sha256 });
        });
    }

    /// The manifest.
    pub fn manifest(&self) -> Value {
        serde_json::from_slice(&self.read(MANIFEST)).expect("a manifest")
    }

    /// Changes the manifest.
    pub fn edit(&self, change: impl FnOnce(&mut Value)) {
        let mut manifest = self.manifest();
        change(&mut manifest);
        self.write(MANIFEST, manifest.to_string());
    }
}

impl Default for Copy {
    fn default() -> Self {
        Self::new()
    }
}
