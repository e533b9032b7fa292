//! What is asked of a derivative, and what comes of it.

use std::collections::BTreeMap;

use cones_onnx::Model;
use cones_onnx::info::Shape;

use crate::blocks::Blocks;
use crate::objective::Objective;

/// What is to be differentiated with respect to what.
#[derive(Debug, Clone)]
pub struct DerivativeSpec {
    /// The dimensions of the graph's inputs. Inputs whose declared dimensions are all fixed may be left out.
    pub inputs: BTreeMap<String, Vec<usize>>,
    /// The values whose gradients are wanted, in the order of the result. One that is not an input of the graph becomes
    /// one, and what made it is dropped.
    pub values: Vec<String>,
    /// Where the gradient at the graph's first output comes from.
    pub objective: Objective,
    /// What may be held in memory.
    pub memory: Memory,
    /// How attention's scores are cut; `None` computes them all at once.
    pub blocks: Option<Blocks>,
}

/// What a derivative holds in memory while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memory {
    /// All that the backward pass needs of the forward pass; weights in whatever form is fastest, even if that is a
    /// second copy.
    #[default]
    Normal,
    /// Parts of the forward pass are computed a second time, and weights are used where they lie in the bundle's file.
    /// The gradients are the same.
    Low,
}

/// One input or output of a differentiated graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The input's or output's name in the graph.
    pub name: String,
    /// Element type and dimensions.
    pub shape: Shape,
}

/// A graph with its derivative. Its weights still lie where those of the original do.
#[derive(Debug)]
pub struct Differentiated {
    /// The graph: inputs as before, those of the objective, and the values that became inputs; outputs are those of the
    /// objective, then the gradients.
    pub model: Model,
    /// All inputs.
    pub inputs: Vec<Port>,
    /// What the objective gives.
    pub outputs: Vec<Port>,
    /// The gradients, in the order of [`DerivativeSpec::values`], each shaped as its value.
    pub gradients: Vec<Port>,
}
