//! Files that are written and keep their date where nothing in them changes.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};

/// Writes a file unless it holds the same, so that nothing is compiled anew for its date.
pub(crate) fn write(file: &Path, text: &str) -> Result {
    if fs::read_to_string(file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, text))
        .map_err(|error| Failure::file("write", file, &error))
}
