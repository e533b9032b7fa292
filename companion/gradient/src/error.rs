//! What can go wrong while differentiating a graph.

use std::path::{Path, PathBuf};

use cones_onnx::node;
use cones_onnx::proto::NodeProto;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a graph cannot be differentiated, or its derivative not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A node lies between the inputs and the result, and nobody has written down its derivative.
    #[error("`{}`: node `{node}` ({op}) has no derivative rule", file.display())]
    NoRule {
        /// The graph's file.
        file: PathBuf,
        /// The node's name, or its first output where it has none.
        node: String,
        /// The node's operator, with the domain where that is not the standard one.
        op: String,
    },
    /// A value that was asked for is not in the graph, or cannot play the part it was asked for.
    #[error("`{}`: value `{value}` {reason}", file.display())]
    Value {
        /// The graph's file.
        file: PathBuf,
        /// The value's name.
        value: String,
        /// What is wrong, as a predicate.
        reason: String,
    },
    /// ONNX Runtime does not say the shape of a value.
    #[error("`{}`: ONNX Runtime finds no shape of value `{value}`", file.display())]
    NoShape {
        /// The graph's file.
        file: PathBuf,
        /// The value's name.
        value: String,
    },
    /// A graph is damaged or of an unknown form, or a node has a form that its rule does not cover.
    #[error(transparent)]
    Onnx(#[from] cones_onnx::Error),
    /// ONNX Runtime is missing or refuses something, or the run was cancelled.
    #[error(transparent)]
    Core(#[from] cones_core::Error),
}

impl Error {
    /// What to do about it, apart from what went wrong; none where that says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NoRule { .. } => Some(
                "export the model without optimising or quantising it; floating-point exports of both PyTorch exporters are known, and packs found on an exact bundle serve its small forms",
            ),
            Self::NoShape { .. } => Some(
                "ONNX Runtime 1.23 does not find all shapes, 1.24 and newer do; with those, the shape depends on values and not only on input sizes, which has no derivative here",
            ),
            Self::Onnx(error) => error.hint(),
            Self::Core(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether it is no fault at all: the run was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Core(error) => error.is_cancelled(),
            Self::Onnx(error) => error.is_cancelled(),
            _ => false,
        }
    }

    /// A node without a rule.
    pub(super) fn no_rule(file: &Path, n: &NodeProto) -> Self {
        let op = match n.domain() {
            "" | "ai.onnx" => n.op_type().to_owned(),
            domain => format!("{domain}:{}", n.op_type()),
        };
        Self::NoRule { file: file.to_path_buf(), node: node::label(n).to_owned(), op }
    }

    /// A fault of one value; `reason` continues "value `x` …".
    pub(super) fn value(file: &Path, value: &str, reason: impl Into<String>) -> Self {
        Self::Value { file: file.to_path_buf(), value: value.to_owned(), reason: reason.into() }
    }
}
