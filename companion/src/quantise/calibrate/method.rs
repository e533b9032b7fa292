//! Which range is taken.

use clap::ValueEnum;

use super::histogram::Histogram;
use super::range::Range;

/// How the range of an activation is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// All that occurred.
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
