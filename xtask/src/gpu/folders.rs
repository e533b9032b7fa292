//! Where everything for a borrowed machine lies.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::python::Python;
use crate::venv;
use crate::workspace::Workspace;

/// Ignored by git: what calls carry, and what is moved aside.
pub(super) const FOLDER: &str = ".gpu";

/// Packages and artwork of the training, as `carry` names it.
pub(super) fn train_folder() -> String {
    format!("{FOLDER}/train")
}

/// The checkpoints that it goes on from, as `carry` names it: with the artwork they are more than a call takes.
pub(super) fn weights_folder() -> String {
    format!("{FOLDER}/weights")
}

/// A piece of the provider, as `carry` names it; counted from 1.
pub(super) fn piece_folder(piece: usize) -> String {
    format!("{FOLDER}/cuda-{piece}")
}

/// Where what is slow to make is kept.
pub(super) fn cache(workspace: &Workspace) -> PathBuf {
    workspace.target().join("gpu")
}

/// The Python of the training, which has PyTorch: the variable's, else the work folder's own.
pub(super) fn python(work: &Path) -> Result<Python> {
    let own = work.join(if cfg!(windows) { "venv/Scripts/python.exe" } else { "venv/bin/python" });
    venv::named().or_else(|| own.is_file().then(|| Python::at(own))).ok_or_else(|| {
        Failure::new(
            format!("no Python with PyTorch: {} has no venv", work.display()),
            format!("Set {} to one that has models/toybox/recipe/requirements.txt installed.", venv::VARIABLE),
        )
    })
}
