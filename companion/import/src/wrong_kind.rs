//! Files and folders that are given where another kind is wanted: named as what they are, with what takes them.

use std::path::Path;

use crate::error::{Error, Result};
use crate::kind::Kind;

/// Fails if something stands at `path` that is plainly of another kind than `fitting`. What cannot be told is left to
/// whoever reads it.
///
/// # Errors
/// [`Error::Kind`].
pub fn check(path: &Path, fitting: Kind, wanted: &str) -> Result<()> {
    match Kind::of(path) {
        Kind::Unknown | Kind::Empty | Kind::OtherTensors | Kind::BrokenTensors => Ok(()),
        kind if kind == fitting => Ok(()),
        kind => Err(Error::kind(path, kind, wanted)),
    }
}
