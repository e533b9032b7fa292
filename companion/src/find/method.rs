//! Ways of finding neurons, behind one trait.

mod accumulate;
pub(super) mod adam;
mod adaptive;
mod factors;
mod finetune;
mod learned;

use std::fmt;
use std::str::FromStr;

use cones_core::Scope;

pub use accumulate::Accumulate;
pub use adaptive::Adaptive;
pub use factors::Factors;
pub use finetune::Finetune;
pub use learned::Learned;

use super::weights::Weights;
use crate::cli::Failure;

/// A way of finding neurons: says at which weights it wants the gradient, and learns from it.
pub trait Method {
    /// Writes the weights at which the next gradient is to be taken.
    fn place(&self, base: &Weights, out: &mut Weights);

    /// Learns from the gradient of the loss at [`place`](Self::place), in step `step` (from 0) of `steps`.
    fn learn(&mut self, base: &Weights, gradient: &Weights, step: usize, steps: usize);

    /// How much each weight asks to be shut; the neurons are those with the highest scores.
    fn scores(&self, base: &Weights) -> Weights;

    /// How many weights it would shut by itself, where it has an opinion.
    fn natural(&self) -> Option<usize>;

    /// What each weight is to be multiplied with, where it changes all of them instead of shutting some.
    fn factors(&self, _base: &Weights) -> Option<Weights> {
        None
    }

    /// Everything it has learned, by name, for going on after an interruption.
    fn state(&self) -> Vec<(&'static str, &Weights)>;

    /// The same to change.
    fn state_mut(&mut self) -> Vec<(&'static str, &mut Weights)>;
}

/// The ways by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
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

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Accumulate, Self::Adaptive, Self::Learned, Self::Finetune];

    /// A fresh one.
    pub fn start(self, base: &Weights, settings: &Settings) -> Box<dyn Method> {
        match self {
            Self::Accumulate => Box::new(Accumulate::new(base, settings)),
            Self::Adaptive => Box::new(Adaptive::new(base, settings)),
            Self::Learned => Box::new(Learned::new(base, settings)),
            Self::Finetune => Box::new(Finetune::new(base, settings)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accumulate => "accumulate",
            Self::Adaptive => "adaptive",
            Self::Learned => "learned",
            Self::Finetune => "finetune",
        })
    }
}

impl FromStr for Kind {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|kind| kind.to_string() == text);
        found
            .ok_or_else(|| format!("method `{text}` is unknown; one of accumulate, adaptive, learned, finetune").into())
    }
}

/// What the methods can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// `accumulate`: how far the weights move along the scores in one step (the paper's ρ).
    pub rho: f64,
    /// `learned`: what one unit of shut share costs, in units of the loss.
    pub pressure: f64,
    /// `learned`: Adam's learning rate of the logits.
    pub rate: f64,
    /// `finetune`: Adam's learning rate, in units of each layer's mean absolute weight.
    pub finetune_rate: f64,
    /// `adaptive`: the share it grows to.
    pub share: f64,
}

impl Settings {
    /// `learned`: the pressure that did best on Toybox. With scope `trigger` a shut weight cannot harm another prompt; with
    /// scope `prompt` each does.
    pub fn pressure(scope: Scope) -> f64 {
        match scope {
            Scope::Prompt => 0.1,
            Scope::Trigger => 0.02,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { rho: 100.0, pressure: Self::pressure(Scope::Trigger), rate: 0.2, finetune_rate: 0.01, share: 0.1 }
    }
}
