//! The stages of an import.

use std::fmt;
use std::path::Path;

use crate::parity::Parity;

/// What an import begins to do. Its `Display` is a line for a log.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Stage<'a> {
    /// The cross-attention weights of this diffusers folder are read.
    Weights(&'a Path),
    /// This graph is imported.
    Graph(&'a Path),
    /// The projection from latents to small pictures is fitted.
    Preview,
    /// The new graphs are loaded and looked at.
    Check,
    /// One step and one decode of the new graphs are compared with the export's.
    Compare,
    /// They were compared.
    Compared(Parity),
    /// They could not be compared: the export itself does not run, for this reason.
    Uncompared(&'a str),
    /// LoRAs are merged into so many modules' weights; so the new graphs are others than the export's, and not compared.
    Merged(usize),
    /// What the graphs take of memory is counted.
    Memory,
    /// The bundle stands in this folder.
    Written(&'a Path),
}

impl fmt::Display for Stage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weights(folder) => write!(f, "reading the cross-attention weights of `{}`", folder.display()),
            Self::Graph(file) => write!(f, "importing `{}`", file.display()),
            Self::Preview => f.write_str("fitting the preview"),
            Self::Check => f.write_str("checking the new graphs"),
            Self::Compare => f.write_str("drawing one step with the export and with the new graphs"),
            Self::Compared(parity) => parity.fmt(f),
            Self::Uncompared(reason) => write!(f, "not compared with the export, which does not run: {reason}"),
            Self::Merged(modules) => write!(
                f,
                "merged into the weights of {modules} modules; not compared with the export, which has them not"
            ),
            Self::Memory => f.write_str("counting what the graphs take of memory"),
            Self::Written(folder) => write!(f, "wrote `{}`", folder.display()),
        }
    }
}
