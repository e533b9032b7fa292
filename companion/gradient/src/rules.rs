//! The derivative of each operator.
//!
//! A rule is called once the gradient of its node's output is whole (`dy`); it writes nodes and gives each active input
//! its part. Rules prefer reading a node's output to reading its input where either would do, because the output is
//! mostly kept for the next node anyway.

mod activation;
mod arithmetic;
mod attention;
mod attention_blocks;
mod attention_heads;
mod convolution;
mod index;
mod linear;
mod normalisation;
mod reduction;
mod resize;
mod shape;

use cones_onnx::proto::NodeProto;

use crate::call::Call;
use crate::error::Result;
use crate::tape::{MICROSOFT, Tape};

/// Writes the derivative of one node.
pub(super) type Rule = fn(&mut Tape, &Call<'_>) -> Result<()>;

/// Every operator of the standard set that has a rule.
const RULES: &[(&str, Rule)] = &[
    ("Add", arithmetic::add),
    ("Sub", arithmetic::sub),
    ("Mul", arithmetic::mul),
    ("Div", arithmetic::div),
    ("Pow", arithmetic::pow),
    ("Neg", arithmetic::neg),
    ("Sum", arithmetic::sum),
    ("Where", arithmetic::choose),
    ("Sigmoid", activation::sigmoid),
    ("Tanh", activation::tanh),
    ("Erf", activation::erf),
    ("Exp", activation::exp),
    ("Log", activation::log),
    ("Sqrt", activation::sqrt),
    ("Reciprocal", activation::reciprocal),
    ("Abs", activation::abs),
    ("Sin", activation::sin),
    ("Cos", activation::cos),
    ("Relu", activation::relu),
    ("Gelu", activation::gelu),
    ("Softmax", activation::softmax),
    ("MatMul", linear::matmul),
    ("Gemm", linear::gemm),
    ("Conv", convolution::conv),
    ("Attention", attention::attention),
    ("LayerNormalization", normalisation::layer),
    ("InstanceNormalization", normalisation::instance),
    ("GroupNormalization", normalisation::group),
    ("ReduceMean", reduction::mean),
    ("ReduceSum", reduction::sum),
    ("Reshape", shape::reshape),
    ("Squeeze", shape::reshape),
    ("Unsqueeze", shape::reshape),
    ("Flatten", shape::reshape),
    ("Identity", shape::identity),
    ("Dropout", shape::dropout),
    ("Cast", shape::cast),
    ("Transpose", shape::transpose),
    ("Expand", shape::expand),
    ("Concat", index::concat),
    ("Split", index::split),
    ("Slice", index::slice),
    ("Gather", index::gather),
    ("Resize", resize::nearest),
];

/// Every operator of ONNX Runtime's own set, `com.microsoft`, that has a rule.
const MICROSOFTS: &[(&str, Rule)] = &[("MultiHeadAttention", attention::multihead)];

/// The operators that can be differentiated, those of the standard set first.
pub fn operators() -> impl Iterator<Item = &'static str> {
    RULES.iter().chain(MICROSOFTS).map(|(op, _)| *op)
}

/// The rule for a node's operator, if there is one.
pub(super) fn find(n: &NodeProto) -> Option<Rule> {
    let rules = match n.domain() {
        "" | "ai.onnx" => RULES,
        MICROSOFT => MICROSOFTS,
        _ => &[],
    };
    rules.iter().find(|(op, _)| *op == n.op_type()).map(|(_, rule)| *rule)
}
