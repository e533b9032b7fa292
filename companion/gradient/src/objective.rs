//! What is differentiated: where the gradient at the graph's output comes from.

use cones_onnx::attribute;
use cones_onnx::info::Shape;

use crate::error::Result;
use crate::tape::Tape;

/// Name of the input that [`Objective::MeanSquares`] compares the output with.
pub const TARGET: &str = "target";
/// Name of the input that holds the weight of each sample.
pub const WEIGHTS: &str = "weights";
/// Name of the output with the weighted sum of losses.
pub const LOSS: &str = "loss";
/// Name of the output with the loss of each sample, unweighted.
pub const LOSSES: &str = "losses";
/// Name of the input that holds the gradient at the graph's output.
pub const COTANGENT: &str = "cotangent";

/// The number whose gradient is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// L = Σᵢ weightᵢ · meanₑ (outputᵢₑ - targetᵢₑ)², over samples i and the elements e of each. Adds the inputs
    /// [`TARGET`] (shaped as the output) and [`WEIGHTS`] (`[batch]`), and the outputs [`LOSS`] (a single number) and
    /// [`LOSSES`] (`[batch]`), which are not weighted.
    MeanSquares,
    /// L = Σₑ outputₑ · cotangentₑ: a vector-Jacobian product. Adds the input [`COTANGENT`], shaped as the output, for a
    /// graph whose output goes on into another one; the output itself is kept.
    Cotangent,
}

/// What an objective adds to the graph's inputs and outputs.
#[derive(Debug, Default)]
pub(super) struct Ports {
    pub(super) inputs: Vec<(String, Shape)>,
    pub(super) outputs: Vec<(String, Shape)>,
}

impl Objective {
    /// Writes the loss of `output` and gives `output` its gradient.
    pub(super) fn write(self, tape: &mut Tape, output: &str) -> Result<Ports> {
        let shape = tape.shape(output)?;
        match self {
            Self::MeanSquares => mean_squares(tape, output, &shape),
            Self::Cotangent => {
                let name = tape.reserve(COTANGENT)?;
                tape.add_gradient(output, name.clone());
                Ok(Ports { inputs: vec![(name, shape.clone())], outputs: vec![(output.to_owned(), shape)] })
            }
        }
    }
}

fn mean_squares(tape: &mut Tape, output: &str, shape: &Shape) -> Result<Ports> {
    let (target, weights) = (tape.reserve(TARGET)?, tape.reserve(WEIGHTS)?);
    let (loss, losses) = (tape.reserve(LOSS)?, tape.reserve(LOSSES)?);
    let batch = shape.dims.first().copied().unwrap_or(1);
    let elements = shape.count() / batch.max(1);
    let difference = tape.node("Sub", &[output, &target]);
    // One row a sample: its sum of squares is a sum over one axis, and its weight spreads over that.
    let rows = tape.reshape(&difference, &[batch, elements]);
    let squares = tape.node("Mul", &[&rows, &rows]);
    let sums = tape.sum(&squares, &[1], false);
    let mean = tape.scalar(1.0 / elements.max(1) as f64, shape.element);
    tape.node_named("Mul", &[&sums, &mean], vec![], &losses);
    let weighted = tape.node("Mul", &[&losses, &weights]);
    let axes = tape.sizes(&[0]);
    tape.node_named("ReduceSum", &[&weighted, &axes], vec![attribute::int("keepdims", 0)], &loss);
    let column = tape.reshape(&weights, &[batch, 1]);
    let slope = tape.scaled(&column, 2.0 / elements.max(1) as f64, shape.element);
    let seed = tape.node("Mul", &[&rows, &slope]);
    let seed = tape.reshape(&seed, &shape.dims);
    tape.add_gradient(output, seed);
    let of = |dims: Vec<usize>| Shape { element: shape.element, dims };
    Ok(Ports {
        inputs: vec![(target, shape.clone()), (weights, of(vec![batch]))],
        outputs: vec![(loss, of(vec![])), (losses, of(vec![batch]))],
    })
}
