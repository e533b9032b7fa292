//! How exactly a pack keeps what becomes of a weight.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What a pack keeps of a subject: per neuron, or of whole matrices.
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
    /// No neurons: two thin float16 matrices for each layer, whose product is added to it
    /// ([`LowRank`](crate::subjects::low_rank::LowRank)).
    #[serde(rename = "low-rank")]
    LowRank,
}

impl Precision {
    /// All of them, from the least on.
    pub const ALL: [Self; 5] = [Self::Binary, Self::Quaternary, Self::Float16, Self::Float32, Self::LowRank];
    /// Those that a mask's neurons can be kept in.
    pub const OF_NEURONS: [Self; 4] = [Self::Binary, Self::Quaternary, Self::Float16, Self::Float32];

    /// Its name, as it is typed and as records and mask files hold it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Quaternary => "quaternary",
            Self::Float16 => "float16",
            Self::Float32 => "float32",
            Self::LowRank => "low-rank",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|precision| precision.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::request("precision", format!("`{text}` is unknown; one of {names}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_are_those_of_json() {
        for precision in Precision::ALL {
            assert_eq!(precision.to_string().parse::<Precision>().expect("a name"), precision);
            assert_eq!(serde_json::to_value(precision).expect("JSON"), precision.name());
        }
        let error = "double".parse::<Precision>().expect_err("unknown").to_string();
        assert!(error.contains("`double`") && error.contains("quaternary"), "{error}");
    }
}
