//! One error enum, by what a caller can do about it.

use std::path::{Path, PathBuf};

/// Shorthand for this crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A bundle is missing, damaged or of a kind this version does not read. Install it again.
    #[error("bad bundle `{}`: {reason}\nhint: {hint}", path.display())]
    BadBundle {
        /// The file or folder at fault.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A mask was made for another base model than the one that is open.
    #[error("subject `{subject}` was made for another model: {reason}")]
    WrongModel {
        /// The subject's name.
        subject: String,
        /// What differs.
        reason: String,
    },
    /// The request cannot be carried out as written; another value may work.
    #[error("bad request: `{field}` {reason}")]
    BadRequest {
        /// The field of the request.
        field: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// The execution provider asked for cannot be had here.
    #[error("provider `{provider}` is unavailable: {reason}\nhint: {hint}")]
    ProviderUnavailable {
        /// Its name, as written on the command line.
        provider: &'static str,
        /// Why not.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// ONNX Runtime's library was not found or cannot be used.
    #[error("ONNX Runtime is missing: {reason}\nhint: {hint}")]
    RuntimeMissing {
        /// What was tried and what came of it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// ONNX Runtime failed while doing something.
    #[error("ONNX Runtime failed while {stage}: {reason}")]
    Runtime {
        /// What was being done, as "loading `unet.onnx`".
        stage: String,
        /// ONNX Runtime's own message.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// "read", "write", "create", …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A picture could not be decoded, encoded or does not hold what was looked for.
    #[error("picture `{}`: {reason}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The caller asked to stop. Everything stays usable.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// A damaged or foreign bundle file, with the usual advice.
    pub fn bundle(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::BadBundle {
            path: path.into(),
            reason: reason.into(),
            hint: "install the bundle again, or make it anew with `cones import`".into(),
        }
    }

    /// An unusable value in a request.
    pub fn request(field: &'static str, reason: impl Into<String>) -> Self {
        Self::BadRequest { field, reason: reason.into() }
    }

    /// Wraps an I/O error with what was done to which file; for use in `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// Wraps an ONNX Runtime error with what was being done; for use in `map_err`.
    pub(crate) fn runtime<R>(stage: impl Into<String>) -> impl FnOnce(ort::Error<R>) -> Self {
        let stage = stage.into();
        move |error| Self::Runtime { stage, reason: error.message().to_owned() }
    }
}
