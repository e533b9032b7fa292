//! What can be wrong with an ONNX file.

use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A fault of an ONNX file: which file, which part of it, and what is wrong there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not what an exporter writes.
    #[error("`{}` is not a usable ONNX file: {reason}", file.display())]
    File {
        /// The graph's file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A tensor's type, size or place is impossible.
    #[error("`{}`: tensor `{tensor}` {reason}", file.display())]
    Tensor {
        /// The graph's file.
        file: PathBuf,
        /// The tensor's name in the graph.
        tensor: String,
        /// What is wrong, as a predicate.
        reason: String,
    },
    /// A node is not of a form that is understood.
    #[error("`{}`: node `{node}` ({op}) {reason}", file.display())]
    Node {
        /// The graph's file.
        file: PathBuf,
        /// The node's name, or its first output where it has none.
        node: String,
        /// The node's operator.
        op: String,
        /// What is wrong, as a predicate.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// "read", "write", …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The runtime library's own error, as when a file cannot be mapped.
    #[error(transparent)]
    Core(#[from] cones_core::Error),
}

impl Error {
    /// What to do about it, apart from what went wrong; none where that says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::File { .. } => Some("export the model again"),
            Self::Tensor { .. } => Some("export the model again, with its data files beside it"),
            Self::Core(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether it is no fault at all: what read the file was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Core(error) => error.is_cancelled(),
            _ => false,
        }
    }

    /// A fault of the file as a whole.
    pub fn file(file: &Path, reason: impl Into<String>) -> Self {
        Self::File { file: file.to_path_buf(), reason: reason.into() }
    }

    /// A fault of one tensor; `reason` continues "tensor `x` …".
    pub fn tensor(file: &Path, tensor: &str, reason: impl Into<String>) -> Self {
        Self::Tensor { file: file.to_path_buf(), tensor: tensor.to_owned(), reason: reason.into() }
    }

    /// A fault of one node; `reason` continues "node `x` (Op) …".
    pub fn node(file: &Path, node: &super::proto::NodeProto, reason: impl Into<String>) -> Self {
        Self::Node {
            file: file.to_path_buf(),
            node: super::node::label(node).to_owned(),
            op: node.op_type().to_owned(),
            reason: reason.into(),
        }
    }

    /// Wraps an I/O error with what was done to which file; for use in `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
