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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for storage in [Storage::Float32, Storage::Float16] {
            assert_eq!(storage.to_string().parse(), Ok(storage));
        }
        assert!("float64".parse::<Storage>().is_err());
    }
}
