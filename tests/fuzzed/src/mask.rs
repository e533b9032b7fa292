//! Any file as a mask in safetensors, for Toybox.

use std::sync::LazyLock;

use cones_core::Bundle;
use cones_import::MaskFile;

use crate::{root, scratch};

static BUNDLE: LazyLock<Bundle> =
    LazyLock::new(|| Bundle::open(root().join("models/toybox/bundle")).expect("is a bundle"));

/// A mask that is read fits the model it is read for.
pub fn feed(data: &[u8]) {
    let Ok(file) = MaskFile::open(&scratch::file("mask.safetensors", data)) else { return };
    let _ = file.metadata();
    if let Ok(subject) = file.subject(&BUNDLE) {
        assert!(subject.mask.fits(&BUNDLE.manifest().layers));
    }
}
