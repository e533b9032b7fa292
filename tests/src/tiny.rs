//! Bundles of a few kilobytes: their weights and manifests are real, their graphs are noise. They open, and draw nothing.

use std::collections::BTreeMap;
use std::path::Path;

use cones_core::Sha256;
use cones_core::library::catalog::BundleEntry;
use cones_core::model::bundle::{ATTENTION, MANIFEST, TEXT_ENCODER, TOKENIZER, UNET, VAE_DECODER};
use cones_core::model::fingerprint::Fingerprint;
use cones_core::model::manifest::{FileEntry, Manifest};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::server::content;
use crate::small;

/// The files of a bundle by name, `bundle.json` among them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The bundle `name`. Versions differ in their U-Net, and in nothing else but the manifest.
pub fn bundle(name: &str, version: u64) -> Files {
    changed(name, version, |_, _| {})
}

/// The bundle `name` after a change to its manifest or files; the manifest is written last, as it is then.
pub fn changed(name: &str, version: u64, change: impl FnOnce(&mut Manifest, &mut Files)) -> Files {
    let mut manifest = small::manifest(name);
    manifest.text.hidden_size = manifest.layers[0].columns;
    let mut files: Files = [(TOKENIZER, 3000), (TEXT_ENCODER, 20_000), (VAE_DECODER, 10_000)]
        .into_iter()
        .map(|(name, length)| (name.to_owned(), content(length, length as u64)))
        .collect();
    files.insert(UNET.into(), content(60_000, version));
    files.insert(ATTENTION.into(), attention(&mut manifest));
    manifest.files = listed(&files);
    change(&mut manifest, &mut files);
    files.insert(MANIFEST.into(), serde_json::to_vec(&manifest).expect("a manifest"));
    files
}

/// What a manifest lists of these files.
pub fn listed(files: &Files) -> BTreeMap<String, FileEntry> {
    let entry = |bytes: &Vec<u8>| FileEntry { bytes: bytes.len() as u64, sha256: Sha256::digest(bytes) };
    files.iter().map(|(name, bytes)| (name.clone(), entry(bytes))).collect()
}

/// A catalogue's entry of it, in a folder beside the catalogue.
pub fn entry(files: &Files, url: &str) -> BundleEntry {
    let json = &files[MANIFEST];
    let manifest: Manifest = serde_json::from_slice(json).expect("a manifest");
    let own = FileEntry { bytes: json.len() as u64, sha256: Sha256::digest(json) };
    let bytes = files.values().map(|bytes| bytes.len() as u64).sum();
    let mut entry = BundleEntry::new(manifest.name, manifest.fingerprint, own, bytes, url);
    entry.licence = manifest.licence;
    entry.form = manifest.form;
    entry
}

/// Writes them to a folder.
pub fn write(files: &Files, folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
}

/// Weights for the manifest's layers; it gets their fingerprint.
fn attention(manifest: &mut Manifest) -> Vec<u8> {
    let mut fingerprint = Fingerprint::new();
    let mut tensors = Vec::new();
    for (seed, layer) in manifest.layers.iter().enumerate() {
        let count = (layer.rows * layer.columns) as usize;
        // Whole numbers, which float16 holds as they are.
        let values: Vec<f32> = content(count, seed as u64).into_iter().map(f32::from).collect();
        fingerprint.layer(&layer.name, layer.rows, layer.columns);
        fingerprint.f32s(&values);
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensors.push((layer.name.clone(), vec![layer.rows as usize, layer.columns as usize], bytes));
    }
    manifest.fingerprint = fingerprint.finish();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor")));
    safetensors::serialize(views, None).expect("weights")
}
