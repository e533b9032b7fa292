//! Finding and loading ONNX Runtime, once per process.

// An iOS app may not load a library by its path.
#[cfg_attr(target_os = "ios", path = "linked.rs")]
#[cfg_attr(not(target_os = "ios"), path = "loaded.rs")]
mod library;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::error::{Error, Result};

/// ONNX Runtime allows one environment per process, so it is made once and never dropped.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Names the library to load, before all other places; a bare file name goes to the system's own search, which on
/// Android finds the libraries of the APK.
///
/// # Errors
/// [`Error::RuntimeMissing`] when ONNX Runtime is loaded already, for a process keeps the one it has, and on iOS.
pub fn use_library(path: impl Into<PathBuf>) -> Result<()> {
    let loaded = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if loaded.is_some() {
        return Err(Error::RuntimeMissing {
            reason: "a library of ONNX Runtime is loaded already".into(),
            hint: "name the library before the first engine is opened".into(),
        });
    }
    library::choose(path.into())
}

/// Takes the library that `cargo xtask setup` noted in this `target` folder of a checkout, where none is named by
/// [`use_library`] or `ORT_DYLIB_PATH` or lies in a place of the program's own. A note that is another user's than the program is
/// not followed. Whether it is taken.
pub fn use_library_of(target: &Path) -> bool {
    let loaded = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    loaded.is_none() && library::fall_back(target)
}

/// The process's ONNX Runtime environment; loads the library at the first call.
///
/// Looked for where [`use_library`] said, in `ORT_DYLIB_PATH`, beside the executable, where `cargo xtask` noted it, then
/// by the system's own search; on iOS it is linked into the app. A failed call can be repeated, for instance after
/// setting the variable.
///
/// # Errors
/// [`Error::RuntimeMissing`] when no library is found or the one found cannot be used.
#[cfg_attr(not(feature = "raw"), allow(unreachable_pub, reason = "public with the feature `raw`"))]
pub fn environment() -> Result<Environment> {
    let mut slot = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = slot.as_ref() {
        return Ok(environment.clone());
    }
    let (name, builder) = library::load()?;
    let environment = builder
        .with_name("cones")
        .with_telemetry(false)
        // What goes wrong comes back as an error with the same words. They name files, so they go no higher than debug; ONNX
        // Runtime's own logger would write them on standard error, in colours.
        .with_logger(Arc::new(|level: LogLevel, _: &str, _: &str, _: &str, message: &str| {
            log::debug!("ONNX Runtime, {level:?}: {message}");
        }))
        .build()
        .map_err(|error| library::missing(&name, error.message()))?;
    log::debug!("ONNX Runtime: {}", ort::info());
    *slot = Some(environment.clone());
    Ok(environment)
}

/// ONNX Runtime's own description of its build. Loads it if no session has yet.
///
/// # Errors
/// [`Error::RuntimeMissing`].
pub fn build_info() -> Result<&'static str> {
    environment().map(|_| ort::info())
}
