//! ONNX Runtime as a library that is looked for and loaded.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::EnvironmentBuilder;

use crate::error::{Error, Result};

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

/// Where `cargo xtask` writes the path of the library it found or fetched, below a `target` folder.
const XTASK_NOTE: &str = "onnxruntime/path";

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

fn locate() -> PathBuf {
    if let Some(chosen) = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner).clone() {
        return chosen;
    }
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|p| !p.is_empty()) {
        // A relative path means the caller's folder; `ort` would take it relative to the executable.
        let path = PathBuf::from(path);
        return std::path::absolute(&path).ok().filter(|p| p.exists()).unwrap_or(path);
    }
    let executable = std::env::current_exe().ok();
    let folder = executable.as_deref().and_then(Path::parent);
    if let Some(beside) = folder.map(|f| f.join(LIBRARY)).filter(|p| p.exists()) {
        return beside;
    }
    // `target/release/cones` and `target/release/deps/test-…` both lie below the note's folder.
    let noted = folder
        .into_iter()
        .flat_map(Path::ancestors)
        .find_map(|f| std::fs::read_to_string(f.join(XTASK_NOTE)).ok())
        .map(|text| PathBuf::from(text.trim()))
        .filter(|p| p.exists());
    noted.unwrap_or_else(|| PathBuf::from(LIBRARY))
}
