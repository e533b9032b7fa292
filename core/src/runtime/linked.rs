//! ONNX Runtime as a part of the app: what iOS allows.

use std::path::{Path, PathBuf};

use ort::environment::EnvironmentBuilder;

use crate::error::{Error, Result};

/// There is no choice here.
pub(super) fn choose(path: PathBuf) -> Result<()> {
    Err(Error::RuntimeMissing {
        reason: format!("`{}` cannot be loaded: on this system ONNX Runtime is linked into the app", path.display()),
        hint: "name no library".into(),
    })
}

/// There is nothing to look for.
pub(super) fn fall_back(_: &Path) -> bool {
    false
}

/// Gives its name with the start of an environment.
pub(super) fn load() -> Result<(String, EnvironmentBuilder)> {
    Ok(("the linked ONNX Runtime".into(), ort::init()))
}

/// The error for a library that cannot be used.
pub(super) fn missing(library: &str, reason: &str) -> Error {
    Error::RuntimeMissing { reason: format!("{library}: {reason}"), hint: "link ONNX Runtime 1.23 or newer".into() }
}
