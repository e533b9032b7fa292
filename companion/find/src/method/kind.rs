//! The ways of finding neurons by name.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::method::accumulate::Accumulate;
use crate::method::adaptive::Adaptive;
use crate::method::finetune::Finetune;
use crate::method::learned::Learned;
use crate::method::tuning::MethodTuning;
use crate::method::way::Method;
use crate::weights::Weights;

/// The ways of finding neurons, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MethodKind {
    /// The paper's: scores are summed along weights that move slowly, then the top share is shut.
    Accumulate,
    /// A mask that grows, with gradients at the weights as they are masked so far.
    Adaptive,
    /// A mask learned with straight-through gradients.
    #[default]
    Learned,
    /// Every weight trained (Custom Diffusion), for comparison; the pack holds a factor for each of them.
    Finetune,
}

impl MethodKind {
    /// All ways of finding.
    pub const ALL: [Self; 4] = [Self::Accumulate, Self::Adaptive, Self::Learned, Self::Finetune];

    /// A fresh method of this kind, that starts at the base weights.
    pub fn start(self, base: &Weights, tuning: &MethodTuning) -> Box<dyn Method> {
        match self {
            Self::Accumulate => Box::new(Accumulate::new(base, tuning)),
            Self::Adaptive => Box::new(Adaptive::new(base, tuning)),
            Self::Learned => Box::new(Learned::new(base, tuning)),
            Self::Finetune => Box::new(Finetune::new(base, tuning)),
        }
    }
}

impl fmt::Display for MethodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accumulate => "accumulate",
            Self::Adaptive => "adaptive",
            Self::Learned => "learned",
            Self::Finetune => "finetune",
        })
    }
}

impl FromStr for MethodKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.to_string() == text);
        found.ok_or_else(|| Error::UnknownMethod { name: text.to_owned() })
    }
}
