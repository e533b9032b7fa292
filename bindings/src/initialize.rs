//! Setting the process up, once.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ConesError;
use crate::logger::{LogLevel, LogSink, Logger};

/// What a process sets up once. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct InitConfig {
    /// How much is logged; `Warn` if left out.
    #[uniffi(default)]
    pub log_level: Option<LogLevel>,
    /// The library of ONNX Runtime: a path, or a bare name for the system's own search (Android:
    /// `libonnxruntime.so`). If left out it is looked for when first needed.
    #[uniffi(default)]
    pub runtime_library: Option<String>,
}

static DONE: Mutex<bool> = Mutex::new(false);

/// Sets up the log and ONNX Runtime for the whole process. Nothing needs it: without it there is no log, and the
/// runtime is looked for in the usual places.
///
/// A second call gives `AlreadyInitialized` and changes nothing. A call that failed for another reason can be repeated.
#[uniffi::export(default(sink = None))]
pub fn initialize(config: InitConfig, sink: Option<Arc<dyn LogSink>>) -> Result<(), ConesError> {
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if *done {
        return Err(already("`initialize` was called before in this process"));
    }
    if let Some(library) = config.runtime_library {
        cones_core::runtime::use_library(library)?;
        // Loaded now, while the app can still name another one.
        cones_core::runtime::build_info()?;
    }
    log::set_boxed_logger(Box::new(Logger::new(sink)))
        .map_err(|_| already("another part of this process has set up Rust's log"))?;
    log::set_max_level(config.log_level.unwrap_or(LogLevel::Warn).into());
    *done = true;
    Ok(())
}

fn already(reason: &str) -> ConesError {
    ConesError::AlreadyInitialized {
        reason: reason.into(),
        details: String::new(),
        hint: "call `initialize` once, before anything else".into(),
    }
}
