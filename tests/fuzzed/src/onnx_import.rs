//! Any file as the U-Net of an export that is imported, as far as no session is made: ONNX Runtime's own parser is not ours to fuzz.

use std::path::PathBuf;
use std::sync::LazyLock;

use cones_core::CancelToken;
use cones_import::{ImportOptions, Stage, import};
use tempfile::TempDir;

use crate::{root, scratch};

/// The export's other graphs, which are good ones.
const OTHERS: [&str; 3] = ["text_encoder.onnx", "vae_decoder.onnx", "vae_encoder.onnx"];

static OUT: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder can be made"));

/// Refused with a reason, or cancelled before the first session; nothing is left behind.
pub fn feed(data: &[u8]) {
    let export = export();
    std::fs::write(export.join("unet.onnx"), data).expect("can be written");
    let out = OUT.path().join("bundle");
    let options = ImportOptions::new(export, root().join("tests/fixtures/import/diffusers"), &out);
    let cancel = CancelToken::new();
    let mut told = |stage: Stage<'_>| {
        if stage == Stage::Preview {
            cancel.cancel();
        }
    };
    let error = import(&options, &mut told, &cancel).expect_err("cancelled at the latest");
    assert!(!error.to_string().is_empty() && !out.exists());
}

fn export() -> PathBuf {
    let export = scratch::place("export");
    if !export.is_dir() {
        std::fs::create_dir(&export).expect("can be made");
        for name in OTHERS {
            let from = root().join("tests/fixtures/import/common").join(name);
            std::fs::copy(from, export.join(name)).expect("can be copied");
        }
    }
    export
}
