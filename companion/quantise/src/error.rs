//! What can be wrong with a bundle that is to be made smaller.

use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What stopped a quantisation: which bundle, file or weight, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bundle is a small form already.
    #[error("`{}` has the form {form} already", path.display())]
    Already {
        /// The bundle.
        path: PathBuf,
        /// The bundle's form.
        form: &'static str,
    },
    /// There is nothing to calibrate with.
    #[error("`{}` holds no prompt", path.display())]
    NoPrompts {
        /// The file of prompts.
        path: PathBuf,
    },
    /// A weight is no number that can be rounded.
    #[error("`{}`: weight `{weight}` holds {what}", file.display())]
    Weight {
        /// The graph's file.
        file: PathBuf,
        /// The weight's name in the graph.
        weight: String,
        /// What it holds, as "NaN".
        what: &'static str,
    },
    /// A graph has nothing to quantise, or is of an unknown kind.
    #[error("`{}`: {reason}", file.display())]
    Graph {
        /// The graph's file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// A graph is damaged.
    #[error(transparent)]
    Onnx(#[from] cones_onnx::Error),
    /// The bundle's folder cannot be written.
    #[error(transparent)]
    Output(#[from] cones_import::Error),
    /// The runtime's own error.
    #[error(transparent)]
    Core(#[from] cones_core::Error),
}

impl Error {
    /// What to do about it, apart from what went wrong; none where that says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Graph { hint, .. } => Some(hint),
            Self::Already { .. } => Some("quantise the exact bundle it was made from; a second rounding only loses"),
            Self::NoPrompts { .. } => Some("one prompt a line, 8 to 32 of them, of the kind that will be drawn"),
            Self::Weight { .. } => Some("the model is damaged; export and import it again"),
            Self::Onnx(error) => error.hint(),
            Self::Output(error) => error.hint(),
            Self::Core(error) => error.hint(),
        }
    }

    /// Whether it is no fault at all: the quantisation was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Core(error) => error.is_cancelled(),
            Self::Onnx(error) => error.is_cancelled(),
            Self::Output(error) => error.is_cancelled(),
            _ => false,
        }
    }

    /// A fault of a graph as a whole.
    pub(super) fn graph(file: &Path, reason: impl Into<String>, hint: &'static str) -> Self {
        Self::Graph { file: file.to_path_buf(), reason: reason.into(), hint }
    }
}
