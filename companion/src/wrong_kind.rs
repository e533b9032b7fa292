//! Files and folders that are given where another kind is wanted: named as what they are, with what takes them.

use std::path::Path;

use cones_import::Kind;

use crate::failure::Failure;

/// Fails if something stands at `path` that is plainly of another kind than `fitting`. What cannot be told is left to
/// whoever reads it.
pub fn check(path: &Path, fitting: Kind, wanted: &str) -> Result<(), Failure> {
    match Kind::of(path) {
        Kind::Unknown | Kind::Empty | Kind::OtherTensors | Kind::BrokenTensors => Ok(()),
        kind if kind == fitting => Ok(()),
        kind => Err(cones_import::Error::kind(path, kind, wanted).into()),
    }
}
