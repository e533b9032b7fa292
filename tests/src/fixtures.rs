//! The tiny exports in `tests/fixtures`.

use std::path::{Path, PathBuf};

/// The folder with exports of every dialect, made by `models/export/make_import_fixtures.py`.
pub fn import() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/import")
}

/// The folder with exports of Sana's and DreamLite's kind, made by `models/export/make_flow_fixtures.py`.
pub fn flow() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/flow")
}

/// The folder with an export of Stable Diffusion XL's kind, made by `models/export/make_sdxl_fixtures.py`.
pub fn sdxl() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sdxl")
}
