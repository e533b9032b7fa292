//! Finding and loading ONNX Runtime, once per process.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;

use crate::{Error, Result};

/// The file name dlopen's own search is asked for last; on Android the APK's libraries are found that way.
const LIBRARY: &str = if cfg!(target_os = "windows") {
    "onnxruntime.dll"
} else if cfg!(target_vendor = "apple") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// Where `cargo xtask` writes the path of the library it found or fetched, below a `target` folder.
const XTASK_NOTE: &str = "onnxruntime/path";

/// ONNX Runtime allows one environment per process, so it is made once and never dropped.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// The library that the app named, before all other places.
static CHOSEN: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Names the library to load, before all other places; a bare file name goes to the system's own search, which on
/// Android finds the libraries of the APK.
///
/// # Errors
/// [`Error::RuntimeMissing`] when ONNX Runtime is loaded already: a process keeps the one it has.
pub fn use_library(path: impl Into<PathBuf>) -> Result<()> {
    let loaded = ENVIRONMENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if loaded.is_some() {
        return Err(Error::RuntimeMissing {
            reason: "another library of ONNX Runtime is loaded already".into(),
            hint: "name the library before the first engine is opened".into(),
        });
    }
    *CHOSEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(path.into());
    Ok(())
}

/// The process's ONNX Runtime environment; loads the library at the first call.
///
/// Looked for where [`use_library`] said, in `ORT_DYLIB_PATH`, beside the executable, where `cargo xtask` noted it, then by the system's own
/// search. A failed call can be repeated, for instance after setting the variable.
///
/// # Errors
/// [`Error::RuntimeMissing`] when no library is found or the one found cannot be used.
pub fn environment() -> Result<Environment> {
    let mut slot = ENVIRONMENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(environment) = slot.as_ref() {
        return Ok(environment.clone());
    }
    let path = locate();
    let builder = ort::init_from(&path).map_err(|error| missing(&path, &error.to_string()))?;
    let environment =
        builder.with_name("cones").with_telemetry(false).build().map_err(|error| missing(&path, error.message()))?;
    log::debug!("ONNX Runtime: {}", ort::info());
    *slot = Some(environment.clone());
    Ok(environment)
}

/// ONNX Runtime's own description of its build. Loads it like [`environment`].
///
/// # Errors
/// As [`environment`].
pub fn build_info() -> Result<&'static str> {
    environment().map(|_| ort::info())
}

fn missing(path: &Path, reason: &str) -> Error {
    Error::RuntimeMissing {
        reason: format!("`{}`: {reason}", path.display()),
        hint: "run `cargo xtask setup`, or set ORT_DYLIB_PATH to the library of ONNX Runtime 1.23 or newer".into(),
    }
}

fn locate() -> PathBuf {
    if let Some(chosen) = CHOSEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone() {
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
