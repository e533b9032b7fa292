//! What can go wrong while finding, and while tuning what was found.

use std::path::{Path, PathBuf};

use crate::examples::Part;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why no neurons were found, or none were tuned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder holds no picture of the subject.
    #[error("no pictures in `{}`", folder.display())]
    NoPictures {
        /// The folder.
        folder: PathBuf,
    },
    /// The class word is empty.
    #[error("the class is empty: say what kind of thing it is, as `--class dog`")]
    NoClass,
    /// A batch asks for pictures of a part that has none.
    #[error("there are no pictures for the {part:?} part of a batch")]
    NoExamples {
        /// The part.
        part: Part,
    },
    /// No number of neurons was tried.
    #[error("no mask was tried: give at least one share")]
    NoMask,
    /// A file or folder is not what it should be.
    #[error("`{}` {reason}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, as a predicate.
        reason: String,
    },
    /// The trigger cannot be found in a prompt, or has nothing to be learned.
    #[error("the trigger `{trigger}` {reason}")]
    Trigger {
        /// The words that stand for the subject.
        trigger: String,
        /// What is wrong, as a predicate.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// Packs cannot be tuned or united together.
    #[error("{reason}")]
    Packs {
        /// Which packs, and what is wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The steps would not fit into the memory that is free.
    #[error("{reason}")]
    Memory {
        /// What is needed, and what is there.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// There is no way of finding of this name.
    #[error("method `{name}` is unknown; one of accumulate, adaptive, learned, finetune")]
    UnknownMethod {
        /// What was given.
        name: String,
    },
    /// A picture could not be scaled.
    #[error("scaling a picture: {0}")]
    Scaling(cones_core::Error),
    /// A graph was asked for a result before it was run.
    #[error("{0} was not loaded")]
    NotLoaded(&'static str),
    /// A graph cannot be differentiated, or its derivative not be run.
    #[error(transparent)]
    Gradient(#[from] cones_gradient::Error),
    /// A graph is damaged.
    #[error(transparent)]
    Onnx(#[from] cones_onnx::Error),
    /// The runtime's own error, as when drawing was cancelled.
    #[error(transparent)]
    Core(#[from] cones_core::Error),
}

impl Error {
    /// What to do about it, apart from what went wrong; none where that says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Trigger { hint, .. } | Self::Packs { hint, .. } | Self::Memory { hint, .. } => Some(hint),
            Self::NoPictures { .. } => Some("put 1 to 10 PNG, JPEG or WebP pictures of the subject there"),
            Self::Gradient(error) => error.hint(),
            Self::Onnx(error) => error.hint(),
            Self::Core(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether it is no fault at all: the work was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Core(error) => error.is_cancelled(),
            Self::Gradient(error) => error.is_cancelled(),
            Self::Onnx(error) => error.is_cancelled(),
            _ => false,
        }
    }

    /// A fault of a file or folder; `reason` continues "`path` …".
    pub(crate) fn file(path: &Path, reason: impl Into<String>) -> Self {
        Self::File { path: path.to_path_buf(), reason: reason.into() }
    }

    /// Wraps what an encoder says of values that shall go into a file; for use in `map_err`.
    pub(crate) fn unwritable<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> Self {
        let path = path.to_path_buf();
        move |error| Self::file(&path, format!("cannot be written: {error}"))
    }
}
