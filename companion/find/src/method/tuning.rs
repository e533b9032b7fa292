//! What the ways of finding neurons can be told.

use cones_core::Scope;

/// What the ways of finding can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MethodTuning {
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

impl MethodTuning {
    /// `learned`: the pressure that did best on Toybox. With scope `trigger` a shut weight cannot harm another prompt; with
    /// scope `prompt` each does.
    pub fn pressure(scope: Scope) -> f64 {
        match scope {
            Scope::Prompt => 0.1,
            Scope::Trigger => 0.02,
        }
    }
}

impl Default for MethodTuning {
    fn default() -> Self {
        Self { rho: 100.0, pressure: Self::pressure(Scope::Trigger), rate: 0.2, finetune_rate: 0.01, share: 0.1 }
    }
}
