//! The form of a bundle: how it keeps the weights of its graphs, and in what its activations are computed.
//!
//! A base model has one exact bundle and any number of small ones made from it. All have the same
//! `attention.safetensors`, so the same fingerprint, and take the same packs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the weights of convolutions and linear layers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Weights {
    /// 8-bit whole numbers, a scale for each output channel.
    Int8,
    /// 4-bit whole numbers in blocks with a scale each for linear layers, the rest as [`Int8`](Self::Int8).
    Int4,
}

/// In what activations are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Activations {
    /// Floating point.
    Float,
    /// 8-bit whole numbers of fixed ranges in convolutions and linear layers (static quantisation, written as
    /// QuantizeLinear and DequantizeLinear nodes).
    Int8,
}

/// What a bundle with fewer bits says of itself; the exact bundle says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Form {
    /// How weights are kept.
    pub weights: Weights,
    /// In what activations are computed.
    pub activations: Activations,
    /// What made it, as `cones 0.1.0`.
    pub tool: String,
    /// Devices take it only when it is asked for: it was found to lose more than its makers would offer to everybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_request: bool,
}

impl Form {
    /// A form that every device is offered.
    pub fn new(weights: Weights, activations: Activations, tool: impl Into<String>) -> Self {
        Self { weights, activations, tool: tool.into(), on_request: false }
    }

    /// Its name, as `int8`, `int4` or `int8-static`.
    pub fn name(&self) -> &'static str {
        match (self.weights, self.activations) {
            (Weights::Int8, Activations::Float) => "int8",
            (Weights::Int4, Activations::Float) => "int4",
            (Weights::Int8, Activations::Int8) => "int8-static",
            (Weights::Int4, Activations::Int8) => "int4-static",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a bundle's form; the exact one's is `exact`.
pub fn name(form: Option<&Form>) -> &'static str {
    form.map_or("exact", Form::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(weights: Weights, activations: Activations) -> Form {
        Form { weights, activations, tool: "cones".into(), on_request: false }
    }

    #[test]
    fn the_manifest_says_it_in_words_and_leaves_out_what_is_usual() {
        let json = serde_json::to_string(&form(Weights::Int8, Activations::Float)).expect("JSON");
        assert_eq!(json, r#"{"weights":"int8","activations":"float","tool":"cones"}"#);
        let other: Form =
            serde_json::from_str(r#"{"weights":"int4","activations":"float","tool":"x","on_request":true}"#)
                .expect("a form");
        assert_eq!((other.name(), other.on_request), ("int4", true));
        assert!(serde_json::from_str::<Form>(r#"{"weights":"int3","activations":"float","tool":"x"}"#).is_err());
    }
}
