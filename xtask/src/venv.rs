//! A Python environment of our own under `target/`, made once from pinned requirements.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::onnxruntime::sha256;
use crate::process;
use crate::python::Python;

/// Who has the packages already (a developer with PyTorch, CI) names a Python and nothing is installed.
pub(crate) const VARIABLE: &str = "CONES_PYTHON";

/// Who says what the listed packages need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dependencies {
    /// The list is whole, and pip adds nothing: PyTorch's own list would bring a gigabyte of compiler (triton).
    Listed,
    /// pip.
    Resolved,
}

/// The Python that the variable names, if it is set.
pub(crate) fn named() -> Option<Python> {
    std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(|path| Python::at(path.into()))
}

/// The Python of the environment in `folder`, which is made or brought up to date first.
pub(crate) fn prepare(folder: &Path, requirements: &Path, dependencies: Dependencies) -> Result<Python> {
    if let Some(python) = named() {
        println!("Python: {} ({VARIABLE})", python.path().display());
        return Ok(python);
    }
    let hint = format!("Check the network and the disk, or set {VARIABLE} to a Python that has these packages.");
    install(folder, requirements, dependencies, &hint)
}

/// The Python of the environment in `folder`, whatever the variable says: for packages that nobody has by chance. `hint` is what to do where pip fails.
pub(crate) fn install(folder: &Path, requirements: &Path, dependencies: Dependencies, hint: &str) -> Result<Python> {
    let bin = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let python = Python::at(folder.join(bin));
    let (stamp, wanted) = (folder.join("requirements.sha256"), sha256(requirements)?);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    println!("Installing {} into {} (once)", requirements.display(), folder.display());
    make(folder)?;
    let mut pip = python.pip()?;
    pip.args(["install", "--disable-pip-version-check", "--no-input", "--requirement"]).arg(requirements);
    if dependencies == Dependencies::Listed {
        pip.arg("--no-deps");
    }
    process::run(&mut pip, hint)?;
    // The stamp comes last: an interrupted installation is taken up again.
    fs::write(&stamp, wanted).map_err(|e| Failure::file("write", &stamp, &e))?;
    Ok(python)
}

fn make(folder: &Path) -> Result {
    let mut command = Python::find()?.command();
    command.args(["-m", "venv"]).arg(folder);
    let output = process::capture(&mut command)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(
        format!("cannot make a Python environment in {}:\n        {}", folder.display(), process::last_words(&output)),
        "Install Python's venv (Debian: apt install python3-venv).",
    ))
}
