//! ONNX Runtime as a library that is looked for and loaded.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::EnvironmentBuilder;

use crate::error::{Error, Result};
use crate::runtime::library_note;

/// The file name dlopen's own search is asked for last; on Android the APK's libraries are found that way.
const LIBRARY: &str = if cfg!(target_os = "windows") {
    "onnxruntime.dll"
} else if cfg!(target_vendor = "apple") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

const HINT: &str = if cfg!(target_os = "android") {
    "let the app depend on `com.microsoft.onnxruntime:onnxruntime-android`, 1.23 or newer"
} else {
    "run `cargo xtask setup`, or set ORT_DYLIB_PATH to the library of ONNX Runtime 1.23 or newer"
};

/// The library that the app named, before all other places.
static CHOSEN: Mutex<Option<PathBuf>> = Mutex::new(None);

/// What to load in place of what would be found.
pub(super) fn choose(path: PathBuf) -> Result<()> {
    *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
    Ok(())
}

/// Loads the library. Gives it with the start of an environment.
pub(super) fn load() -> Result<(String, EnvironmentBuilder)> {
    let path = locate();
    let builder = ort::init_from(&path).map_err(|error| missing(&shown(&path), &error.to_string()))?;
    Ok((shown(&path), builder))
}

/// The error for a library that cannot be used.
pub(super) fn missing(library: &str, reason: &str) -> Error {
    Error::RuntimeMissing { reason: format!("{library}: {reason}"), hint: HINT.into() }
}

fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// What to load where nothing better is at hand: the library that `cargo xtask` noted in a `target` folder. Whether there is
/// such a note, and it is needed.
pub(super) fn fall_back(target: &Path) -> bool {
    let noted = if at_hand().is_none() { library_note::read(target) } else { None };
    noted.is_some_and(|library| choose(library).is_ok())
}

fn locate() -> PathBuf {
    at_hand().unwrap_or_else(by_name)
}

/// The library that the app or the environment names, or that lies in a place of this program's own.
fn at_hand() -> Option<PathBuf> {
    if let Some(chosen) = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner).clone() {
        return Some(chosen);
    }
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|p| !p.is_empty()) {
        // A relative path means the caller's folder; `ort` would take it relative to the executable.
        let path = PathBuf::from(path);
        return Some(std::path::absolute(&path).ok().filter(|p| p.exists()).unwrap_or(path));
    }
    let executable = std::env::current_exe().ok()?;
    let beside = executable.with_file_name(LIBRARY);
    if beside.exists() {
        return Some(beside);
    }
    library_note::above(&executable)
}

/// For the system's own search, which on Android finds the libraries of the APK. Windows would look in the current folder and
/// find an old one of its own: there it is the place beside the program, for the error to name.
fn by_name() -> PathBuf {
    let executable = std::env::current_exe().ok().filter(|_| cfg!(target_os = "windows"));
    executable.map_or_else(|| PathBuf::from(LIBRARY), |executable| executable.with_file_name(LIBRARY))
}
