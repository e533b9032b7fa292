//! Small packs for a small model, quick to make.

use std::path::{Path, PathBuf};

use cones_core::model::manifest::{Layer, Manifest};
use cones_core::subjects::pack::{Metadata, Pack, Precision};
use cones_core::{ConceptMask, Sha256};

/// The manifest of the base model, with two small layers and a fingerprint of its own for each `model`.
pub fn manifest(model: &str) -> Manifest {
    let path = crate::base::folder().join("bundle.json");
    let json = std::fs::read(path).expect("the base model's manifest");
    let mut manifest: Manifest = serde_json::from_slice(&json).expect("a manifest");
    let layer = |name: &str| Layer { name: name.into(), rows: 32, columns: 64 };
    manifest.layers = vec![layer("attn2.to_k"), layer("attn2.to_v")];
    manifest.name = model.into();
    manifest.fingerprint = Sha256::digest(model);
    manifest
}

/// A pack for such a model; another version holds other neurons.
pub fn pack(name: &str, version: u32, manifest: &Manifest) -> Pack {
    let seed = name.bytes().map(u64::from).sum::<u64>() + 1000 * u64::from(version);
    let mut metadata = Metadata::new(name, "<v1> dog", "dog");
    metadata.version = version;
    metadata.author = "somebody".into();
    metadata.licence = "MIT".into();
    metadata.model.clone_from(&manifest.name);
    metadata.tool = "test".into();
    metadata.created = 1_750_000_000;
    let mask = ConceptMask::random(&manifest.layers, 0.1, seed);
    Pack::new(metadata, manifest.fingerprint, mask, Precision::Binary)
}

/// Writes the pack's file to a folder.
pub fn file(folder: &Path, pack: &Pack) -> PathBuf {
    let path = folder.join(format!("{}-{}.cones", pack.metadata.name, pack.metadata.version));
    std::fs::write(&path, pack.encode().expect("within limits")).expect("a file");
    path
}
