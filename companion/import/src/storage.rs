//! How a bundle keeps weights.

use std::fmt;
use std::str::FromStr;

/// How a bundle keeps float32 weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// Four bytes each, as they are.
    #[default]
    Float32,
    /// Two bytes each, as float16 with a cast behind it, where no value changes by that.
    Float16,
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float32 => "float32",
            Self::Float16 => "float16",
        })
    }
}

impl FromStr for Storage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "float32" => Ok(Self::Float32),
            "float16" => Ok(Self::Float16),
            _ => Err(format!("storage `{text}` is unknown; one of float32, float16")),
        }
    }
}
