//! How exactly a pack keeps what becomes of a weight.

use serde::{Deserialize, Serialize};

/// What a pack keeps per neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Nothing: the weight is shut.
    Binary,
    /// One of four factors, 2 bits.
    Quaternary,
    /// A factor as float16.
    Float16,
    /// A factor as float32.
    Float32,
}
