//! What is said of a LoRA that cannot be used.

use std::path::Path;

use crate::error::Error;

/// What helps against damage.
pub(super) const AGAIN: &str = "download it again";

/// A fault of a LoRA's file; the reason continues "`file`: …".
pub(super) fn refused(file: &Path, reason: impl Into<String>, hint: &str) -> Error {
    Error::Weights { file: file.to_path_buf(), reason: reason.into(), hint: hint.into() }
}
