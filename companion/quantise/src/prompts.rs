//! A file of prompts, one a line.

use std::path::Path;

use crate::error::{Error, Result};

/// Prompts of a file; empty lines and lines that start with `#` are none.
///
/// # Errors
/// When it cannot be read, or holds none.
pub fn read(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(cones_core::Error::io("read", path))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let prompts: Vec<String> = lines.map(str::to_owned).collect();
    if prompts.is_empty() { Err(Error::NoPrompts { path: path.to_path_buf() }) } else { Ok(prompts) }
}
