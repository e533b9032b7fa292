//! Which range is taken.

use std::fmt;
use std::str::FromStr;

use crate::calibrate::histogram::Histogram;
use crate::calibrate::range::Range;

/// How the range of an activation is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// All that occurred.
    #[default]
    Minmax,
    /// Without the outermost hundredth of a per cent.
    Percentile,
    /// What loses least information (TensorRT's rule).
    Entropy,
}

/// Share of the values that [`Method::Percentile`] leaves out.
const OUTERMOST: f64 = 1e-4;

impl Method {
    /// The range by this rule.
    pub fn range(self, histogram: &Histogram) -> Range {
        match self {
            Self::Minmax => histogram.seen,
            Self::Percentile => histogram.percentile(OUTERMOST),
            Self::Entropy => histogram.entropy(),
        }
    }

    /// Whether extremes alone do.
    pub fn needs_extremes_only(self) -> bool {
        self == Self::Minmax
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minmax => "minmax",
            Self::Percentile => "percentile",
            Self::Entropy => "entropy",
        })
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "minmax" => Ok(Self::Minmax),
            "percentile" => Ok(Self::Percentile),
            "entropy" => Ok(Self::Entropy),
            _ => Err(format!("method `{text}` is unknown; one of minmax, percentile, entropy")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for method in [Method::Minmax, Method::Percentile, Method::Entropy] {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        assert!("mean".parse::<Method>().is_err());
    }
}
