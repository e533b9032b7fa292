//! How many rows the values of a graph have, as powers of two of the rows of its input.

use std::collections::HashMap;

use cones_onnx::proto::NodeProto;
use cones_onnx::{attribute, node};

use crate::rows::norm::Norm;
use crate::rows::parts::Reason;
use crate::rows::sight::Sight;

/// Elementwise operators of one operand.
pub(super) const UNARY: [&str; 8] =
    ["Sigmoid", "Relu", "Tanh", "Identity", "Softplus", "Elu", "LeakyRelu", "HardSigmoid"];
/// Elementwise operators of two operands.
pub(super) const BINARY: [&str; 4] = ["Add", "Sub", "Mul", "Div"];

/// Pictures [batch, channels, rows, width] among a graph's values, each with the logarithm (base 2) of its rows by those of
/// the input. What is behind a node of unknown kind is left out.
pub(super) fn assign<'a>(
    sight: &Sight<'a>,
    norms: &HashMap<&'a str, Norm<'a>>,
) -> Result<HashMap<&'a str, i32>, Reason> {
    // Weights that are listed as inputs too are none.
    let mut inputs = sight.graph.input.iter().filter(|input| sight.constant(input.name()).is_none());
    let (Some(input), None) = (inputs.next(), inputs.next()) else { return Err("has more than one input".into()) };
    let mut levels = HashMap::from([(input.name(), 0)]);
    for n in &sight.graph.node {
        let Some(output) = n.output.first().map(String::as_str) else { continue };
        let level = match norms.get(output) {
            Some(norm) => levels.get(norm.input).copied(),
            None => level(sight, n, &levels),
        };
        levels.extend(level.map(|level| (output, level)));
    }
    Ok(levels)
}

fn level(sight: &Sight<'_>, n: &NodeProto, levels: &HashMap<&str, i32>) -> Option<i32> {
    let of = |at: usize| levels.get(n.input.get(at)?.as_str()).copied();
    if is_any(n, &UNARY) {
        return of(0);
    }
    if is_any(n, &BINARY) {
        return of(0).or_else(|| of(1));
    }
    if node::has_op(n, "Conv") {
        return Some(of(0)? - i32::from(Reach::read(n)?.halves));
    }
    (node::has_op(n, "Resize") && doubles(sight, n)).then_some(of(0)? + 1)
}

/// Whether it is one of these operators of the standard set.
pub(super) fn is_any(n: &NodeProto, ops: &[&str]) -> bool {
    ops.iter().any(|op| node::has_op(n, op))
}

/// How a convolution takes its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// Rows it takes from above the block, and zeros at the upper edge of the picture.
    pub(super) above: i64,
    /// Rows it takes from below the block, and zeros at the lower edge.
    pub(super) below: i64,
    /// Whether it gives half of the rows, not all.
    pub(super) halves: bool,
    /// Pads to the left and right.
    pub(super) sides: [i64; 2],
}

impl Reach {
    /// The reach of a convolution of two dimensions that gives as many rows as it takes, or half of them; else `None`.
    pub(super) fn read(n: &NodeProto) -> Option<Self> {
        let ints = |name: &str, default: &[i64]| attribute::get_ints(n, name).unwrap_or(default).to_vec();
        let [rows, _] = ints("kernel_shape", &[])[..] else { return None };
        let [step, _] = ints("strides", &[1, 1])[..] else { return None };
        let [above, left, padding, right] = ints("pads", &[0; 4])[..] else { return None };
        let is_explicit = attribute::get_text(n, "auto_pad").is_none_or(|text| text == "NOTSET");
        if !is_explicit || ints("dilations", &[1, 1]) != [1, 1] || !matches!(step, 1 | 2) {
            return None;
        }
        // The last window of a block ends that far below it, and must do so at the picture's edge with its own padding: one
        // row less only where the last row of all is left out, as a step of two over an even number of rows may do.
        let below = rows - step - above;
        let fits = padding == below || (step == 2 && padding == below + 1);
        (fits && above >= 0 && below >= 0).then_some(Self { above, below, halves: step == 2, sides: [left, right] })
    }

    /// Whether it takes rows beyond its block.
    pub(super) fn is_wide(self) -> bool {
        self.above > 0 || self.below > 0
    }
}

/// Whether it repeats each row and column twice.
fn doubles(sight: &Sight<'_>, n: &NodeProto) -> bool {
    let scales = n.input.get(2).and_then(|scales| sight.numbers(scales).ok()).flatten();
    let is_nearest = attribute::get_text(n, "mode").is_none_or(|mode| mode == "nearest");
    let rounding = attribute::get_text(n, "nearest_mode").unwrap_or("round_prefer_floor");
    let repeats = match attribute::get_text(n, "coordinate_transformation_mode").unwrap_or("half_pixel") {
        "asymmetric" => rounding == "floor",
        "half_pixel" | "pytorch_half_pixel" => matches!(rounding, "round_prefer_floor" | "round_prefer_ceil"),
        _ => false,
    };
    is_nearest
        && repeats
        && attribute::get_ints(n, "axes").is_none()
        && scales.as_deref() == Some(&[1.0, 1.0, 2.0, 2.0])
}
