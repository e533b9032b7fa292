//! Any bytes as a base model's manifest, beside Toybox's files.

use std::path::{Path, PathBuf};

use cones_core::Bundle;
use cones_core::model::bundle::MANIFEST;

use crate::{root, scratch};

/// A bundle that opens says what there is to draw with.
pub fn feed(data: &[u8]) {
    let folder = folder();
    std::fs::write(folder.join(MANIFEST), data).expect("can be written");
    let Ok(bundle) = Bundle::open(&folder) else { return };
    let manifest = bundle.manifest();
    assert!(manifest.latent.channels > 0 && manifest.unet_channels() >= manifest.latent.channels);
    let rows: u64 = manifest.layers.iter().map(|layer| u64::from(layer.rows) * u64::from(layer.columns)).sum();
    assert!(rows > 0);
    serde_json::to_string(manifest).expect("is said as JSON");
}

/// Toybox's files, all but the manifest; made once for each thread.
fn folder() -> PathBuf {
    let folder = scratch::place("bundle");
    if !folder.is_dir() {
        std::fs::create_dir(&folder).expect("can be made");
        for entry in std::fs::read_dir(root().join("models/toybox/bundle")).expect("the bundle").flatten() {
            if entry.file_name() != MANIFEST {
                link(&entry.path(), &folder.join(entry.file_name()));
            }
        }
    }
    folder
}

/// A link where there are any, else a copy.
fn link(from: &Path, to: &Path) {
    #[cfg(unix)]
    std::os::unix::fs::symlink(from, to).expect("can be linked");
    #[cfg(not(unix))]
    std::fs::copy(from, to).map(drop).expect("can be copied");
}
