//! The ONNX Runtime library: found, or fetched once from PyPI's `onnxruntime` wheel.

mod fetch;
mod place;
mod search;
mod versions;
mod wheel;

pub(crate) use place::sha256;
pub(crate) use search::VARIABLE;
pub(crate) use wheel::{Wheel, WheelFile};

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::python::Python;
use crate::scratch::Scratch;
use crate::workspace::Workspace;
use place::Place;

/// Makes sure that there is a library and returns its path. Child processes get it through [`VARIABLE`];
/// programs started by hand find it through `target/onnxruntime/path`.
pub(crate) fn set_up(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target().join("onnxruntime");
    let library = match search::variable(std::env::var_os(VARIABLE))? {
        // Not remembered: a library tried once must not be the one from then on.
        Some(library) => library,
        None => {
            let library = match search::system() {
                Some(library) => library,
                None => fetched(&folder, Wheel::of_this_machine()?)?,
            };
            remember(&folder, &library)?;
            library
        }
    };
    println!("ONNX Runtime: {}", library.display());
    Ok(library)
}

/// The library with the CUDA provider beside it, for a machine that has a GPU; this one need not have one.
pub(crate) fn with_cuda(workspace: &Workspace) -> Result<PathBuf> {
    fetched(&workspace.target().join("onnxruntime"), &wheel::CUDA)
}

/// The version that is fetched for this machine, whatever else is installed or named.
pub(crate) fn pinned(workspace: &Workspace) -> Result<(&'static str, PathBuf)> {
    let wheel = Wheel::of_this_machine()?;
    Ok((wheel.version, fetched(&workspace.target().join("onnxruntime"), wheel)?))
}

/// The pinned version for another platform than this machine's.
pub(crate) fn of_platform(workspace: &Workspace, platform: &str) -> Result<PathBuf> {
    fetched(&workspace.target().join("onnxruntime"), Wheel::of(platform)?)
}

/// The other versions there are to try, oldest first. They are for x86-64 Linux.
pub(crate) fn other_versions() -> impl Iterator<Item = &'static str> {
    versions::OTHERS.iter().map(|wheel| wheel.version)
}

/// One of [`other_versions`].
pub(crate) fn other(workspace: &Workspace, version: &str) -> Result<PathBuf> {
    let wheel = versions::OTHERS.iter().find(|wheel| wheel.version == version).ok_or_else(|| {
        let known: Vec<&str> = other_versions().collect();
        Failure::new(
            format!("ONNX Runtime {version} is not among those to try"),
            format!("There are {}; xtask/src/onnxruntime/versions.rs lists them.", known.join(", ")),
        )
    })?;
    if wheel.platform != Wheel::of_this_machine()?.platform {
        return Err(Failure::new(
            format!("other versions of ONNX Runtime are pinned for {} alone", wheel.platform),
            "Run this on such a machine.",
        ));
    }
    fetched(&workspace.target().join("onnxruntime"), wheel)
}

/// The first file of a wheel under `target/`, fetched if it is not there or not whole.
pub(crate) fn fetched(folder: &Path, wheel: &Wheel) -> Result<PathBuf> {
    let place = Place::new(folder, wheel);
    match place.check() {
        Ok(()) => return Ok(place.library()),
        Err(place::Fault::Missing) => {}
        Err(place::Fault::Foreign(file)) => {
            println!("{} is not what was fetched; fetching it again", file.display());
        }
    }
    println!("Fetching {} {} ({}, once)", wheel.package, wheel.version, wheel.size);
    let scratch = Scratch::new(folder)?;
    let python = Python::find()?;
    let file = fetch::download(&python, wheel, scratch.path())?;
    fetch::unpack(&python, wheel, &file, &place, &scratch)?;
    Ok(place.library())
}

/// Writes the path where `cones-core` looks for it.
fn remember(folder: &Path, library: &Path) -> Result {
    let file = folder.join("path");
    let text = library.to_string_lossy();
    if fs::read_to_string(&file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let scratch = Scratch::new(folder)?;
    let part = scratch.path().join("path");
    fs::write(&part, text.as_bytes())
        .and_then(|()| fs::rename(&part, &file))
        .map_err(|e| Failure::file("write", &file, &e))
}
