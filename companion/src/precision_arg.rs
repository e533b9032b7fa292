//! Precisions as they are typed.

use clap::ValueEnum;
use cones_core::subjects::pack::Precision;

/// What a pack keeps per neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionArg {
    /// Nothing: the weight is shut.
    Binary,
    /// One of four factors.
    Quaternary,
    /// A factor as float16.
    Float16,
    /// A factor as float32.
    Float32,
}

impl From<PrecisionArg> for Precision {
    fn from(arg: PrecisionArg) -> Self {
        match arg {
            PrecisionArg::Binary => Self::Binary,
            PrecisionArg::Quaternary => Self::Quaternary,
            PrecisionArg::Float16 => Self::Float16,
            PrecisionArg::Float32 => Self::Float32,
        }
    }
}
