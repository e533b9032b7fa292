//! What can go wrong while importing.

use std::path::{Path, PathBuf};

use crate::kind::Kind;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What stopped an import: which file, layer or node, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A cross-attention projection was not found exactly once.
    #[error("`{}`: layer `{layer}` {reason}", file.display())]
    Layer {
        /// The U-Net's graph.
        file: PathBuf,
        /// diffusers' name of the projection.
        layer: String,
        /// What is wrong, as a predicate.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The graph's inputs or outputs are not those of this part of the pipeline.
    #[error("`{}`: {reason}", file.display())]
    Interface {
        /// The graph's file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A configuration of the diffusers folder says something that the runtime cannot do.
    #[error("`{}`: {reason}", file.display())]
    Config {
        /// The configuration file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The weights of the diffusers folder cannot be used.
    #[error("`{}`: {reason}", file.display())]
    Weights {
        /// The safetensors file, or the folder it was looked for in.
        file: PathBuf,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A file or folder is of another kind than the one that is wanted.
    #[error("`{}` is {kind}; wanted is {wanted}", path.display())]
    Kind {
        /// The file or folder.
        path: PathBuf,
        /// What it is.
        kind: Kind,
        /// What is wanted in its place.
        wanted: String,
    },
    /// A file is no mask, or none for the base model.
    #[error("mask `{}` {reason}", file.display())]
    Mask {
        /// Which file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The bundle cannot be put where it was asked for.
    #[error("`{}` {reason}", path.display())]
    Output {
        /// The bundle's folder.
        path: PathBuf,
        /// What is wrong, as a predicate.
        reason: String,
        /// What to do.
        hint: String,
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
    /// A graph is damaged or of an unknown form.
    #[error(transparent)]
    Onnx(#[from] cones_onnx::Error),
    /// What a graph takes of memory cannot be told.
    #[error(transparent)]
    Profile(#[from] cones_gradient::Error),
    /// ONNX Runtime is missing or refuses a graph.
    #[error(transparent)]
    Core(#[from] cones_core::Error),
}

impl Error {
    /// What to do about it, apart from what went wrong; none where that says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Layer { hint, .. }
            | Self::Config { hint, .. }
            | Self::Weights { hint, .. }
            | Self::Output { hint, .. } => Some(hint),
            Self::Interface { .. } => {
                Some("export with `models/export/export_onnx.py`, or name inputs and outputs as it does")
            }
            Self::Kind { kind, .. } => Some(kind.hint()),
            Self::Mask { .. } => Some("compare it with one that `cones export` writes"),
            Self::Onnx(error) => error.hint(),
            Self::Profile(error) => error.hint(),
            Self::Core(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether it is no fault at all: the import was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Core(error) => error.is_cancelled(),
            Self::Onnx(error) => error.is_cancelled(),
            Self::Profile(error) => error.is_cancelled(),
            _ => false,
        }
    }

    /// A fault of one projection; `reason` continues "layer `x` …".
    pub fn layer(file: &Path, layer: &str, reason: impl Into<String>) -> Self {
        Self::Layer {
            file: file.to_path_buf(),
            layer: layer.to_owned(),
            reason: reason.into(),
            hint: "export the U-Net again from the folder given as --weights, without optimising the graph".into(),
        }
    }

    /// A fault of a graph's inputs or outputs.
    pub fn interface(file: &Path, reason: impl Into<String>) -> Self {
        Self::Interface { file: file.to_path_buf(), reason: reason.into() }
    }

    /// A fault of a configuration file.
    pub fn config(file: &Path, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Config { file: file.to_path_buf(), reason: reason.into(), hint: hint.into() }
    }

    /// A fault of the weights.
    pub fn weights(file: &Path, reason: impl Into<String>) -> Self {
        Self::Weights {
            file: file.to_path_buf(),
            reason: reason.into(),
            hint: "give as --weights a folder that diffusers' `save_pretrained` wrote, with safetensors".into(),
        }
    }

    /// A file or folder that is given in the place of another.
    pub fn kind(path: &Path, kind: Kind, wanted: impl Into<String>) -> Self {
        Self::Kind { path: path.to_path_buf(), kind, wanted: wanted.into() }
    }

    /// A [`Error::Mask`].
    pub fn mask(file: &Path, reason: impl Into<String>) -> Self {
        Self::Mask { file: file.to_path_buf(), reason: reason.into() }
    }

    /// A fault of the place the bundle shall go to; `reason` continues "`path` …".
    pub fn output(path: &Path, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Output { path: path.to_path_buf(), reason: reason.into(), hint: hint.into() }
    }

    /// Wraps an I/O error with what was done to which file; for use in `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
