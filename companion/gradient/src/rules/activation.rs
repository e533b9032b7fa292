//! Functions of single elements, and softmax.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

use cones_onnx::proto::NodeProto;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{attribute, node};

use crate::call::Call;
use crate::error::Result;
use crate::tape::Tape;

/// y = 1/(1 + e^-x): y' = y·(1 - y).
pub(super) fn sigmoid(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_output(tape, call, |tape, y, element| {
        let one = tape.scalar(1.0, element);
        let rest = tape.node("Sub", &[&one, y]);
        tape.node("Mul", &[y, &rest])
    })
}

/// y = tanh x: y' = 1 - y².
pub(super) fn tanh(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_output(tape, call, |tape, y, element| {
        let one = tape.scalar(1.0, element);
        let square = tape.node("Mul", &[y, y]);
        tape.node("Sub", &[&one, &square])
    })
}

/// y = e^x: y' = y.
pub(super) fn exp(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_output(tape, call, |_, y, _| y.to_owned())
}

/// y = √x: y' = 1/(2y).
pub(super) fn sqrt(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_output(tape, call, |tape, y, element| {
        let half = tape.scalar(0.5, element);
        tape.node("Div", &[&half, y])
    })
}

/// y = 1/x: y' = -y².
pub(super) fn reciprocal(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_output(tape, call, |tape, y, _| {
        let square = tape.node("Mul", &[y, y]);
        tape.node("Neg", &[&square])
    })
}

/// y = max(x, 0): y' is 1 where y > 0, as in PyTorch.
pub(super) fn relu(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_output(tape, call, |tape, y, _| tape.node("Sign", &[y]))
}

/// y = erf x: y' = 2/√π·e^(-x²).
pub(super) fn erf(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_input(tape, call, |tape, x, element| {
        let square = tape.node("Mul", &[x, x]);
        let negated = tape.node("Neg", &[&square]);
        let bell = tape.node("Exp", &[&negated]);
        tape.scaled(&bell, FRAC_2_SQRT_PI, element)
    })
}

/// y = ln x: y' = 1/x.
pub(super) fn log(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_input(tape, call, |tape, x, _| tape.node("Reciprocal", &[x]))
}

/// y = |x|: y' is the sign, 0 at 0.
pub(super) fn abs(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_input(tape, call, |tape, x, _| tape.node("Sign", &[x]))
}

/// y = sin x: y' = cos x.
pub(super) fn sin(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_input(tape, call, |tape, x, _| tape.node("Cos", &[x]))
}

/// y = cos x: y' = -sin x.
pub(super) fn cos(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    with_input(tape, call, |tape, x, _| {
        let sine = tape.node("Sin", &[x]);
        tape.node("Neg", &[&sine])
    })
}

/// y = x·Φ(x), or its approximation by tanh.
pub(super) fn gelu(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    match call.text("approximate", "none") {
        "tanh" => with_input(tape, call, gelu_tanh_slope),
        _ => with_input(tape, call, gelu_slope),
    }
}

/// Φ(x) + x·φ(x).
fn gelu_slope(tape: &mut Tape, x: &str, element: i32) -> String {
    let root = tape.scaled(x, FRAC_1_SQRT_2, element);
    let erf = tape.node("Erf", &[&root]);
    let half = tape.scaled(&erf, 0.5, element);
    let middle = tape.scalar(0.5, element);
    let below = tape.node("Add", &[&half, &middle]);
    // φ(x) = e^-(x/√2)² / √(2π)
    let square = tape.node("Mul", &[&root, &root]);
    let negated = tape.node("Neg", &[&square]);
    let bell = tape.node("Exp", &[&negated]);
    let weighted = tape.node("Mul", &[&bell, x]);
    let slope = tape.scaled(&weighted, 1.0 / (2.0 * PI).sqrt(), element);
    tape.node("Add", &[&below, &slope])
}

/// For y = ½x(1 + t), t = tanh u, u = √(2/π)(x + 0.044715x³): ½(1 + t) + ½x(1 - t²)u'.
fn gelu_tanh_slope(tape: &mut Tape, x: &str, element: i32) -> String {
    let root = (2.0 / PI).sqrt();
    let (one, half) = (tape.scalar(1.0, element), tape.scalar(0.5, element));
    let square = tape.node("Mul", &[x, x]);
    let cubic = tape.scaled(&square, 0.044715, element);
    let cubic = tape.node("Add", &[&cubic, &one]);
    let inner = tape.node("Mul", &[&cubic, x]);
    let inner = tape.scaled(&inner, root, element);
    let t = tape.node("Tanh", &[&inner]);
    let first = tape.node("Add", &[&t, &one]);
    let t_square = tape.node("Mul", &[&t, &t]);
    let rest = tape.node("Sub", &[&one, &t_square]);
    let steep = tape.scaled(&square, 3.0 * 0.044715, element);
    let steep = tape.node("Add", &[&steep, &one]);
    let steep = tape.scaled(&steep, root, element);
    let second = tape.node("Mul", &[&rest, &steep]);
    let second = tape.node("Mul", &[&second, x]);
    let both = tape.node("Add", &[&first, &second]);
    tape.node("Mul", &[&both, &half])
}

/// y = softmax x along one axis: dx = y·(dy - Σ dy·y).
pub(super) fn softmax(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let y = call.output(tape)?;
    let rank = tape.dims(y)?.len();
    let axis = call.axis(tape, call.int("axis", -1), rank)?;
    let weighted = tape.node("Mul", &[&call.dy, y]);
    let total = tape.sum(&weighted, &[axis], true);
    let centred = tape.node("Sub", &[&call.dy, &total]);
    let gradient = tape.node("Mul", &[&centred, y]);
    tape.add_gradient(call.input(tape, 0)?, gradient);
    Ok(())
}

/// y = x·s with s = sigmoid x, if the product is that: y' = y + s·(1 - y). Says whether it was.
pub(super) fn silu(tape: &mut Tape, call: &Call<'_>) -> Result<bool> {
    let (left, right) = (call.input(tape, 0)?, call.input(tape, 1)?);
    let is_sigmoid_of = |s: &str, x: &str| {
        let of_x = |n: &&NodeProto| node::has_op(n, "Sigmoid") && n.input.first().is_some_and(|i| i == x);
        call.graph.maker(s).filter(of_x).is_some()
    };
    let (x, mut s) = if is_sigmoid_of(right, left) {
        (left, right.to_owned())
    } else if is_sigmoid_of(left, right) {
        (right, left.to_owned())
    } else {
        return Ok(false);
    };
    let y = call.output(tape)?;
    let element = tape.shape(y)?.element;
    if element != DataType::Double as i32 {
        // One node instead of two, and s is made again when it is wanted: that is less work than writing and reading it.
        let alpha = attribute::float("alpha", 1.0);
        tape.replace(y, |tape| tape.microsoft("QuickGelu", &[x], vec![alpha], y));
        s = tape.node("Sigmoid", &[x]);
    }
    // Given to x alone: the sigmoid's other readers, if any, give it the rest.
    let one = tape.scalar(1.0, element);
    let rest = tape.node("Sub", &[&one, y]);
    let part = tape.node("Mul", &[&rest, &s]);
    let slope = tape.node("Add", &[&part, y]);
    let gradient = tape.node("Mul", &[&slope, &call.dy]);
    tape.add_gradient(x, gradient);
    Ok(true)
}

/// dx = dy·slope, the slope made from the output.
fn with_output(tape: &mut Tape, call: &Call<'_>, slope: impl FnOnce(&mut Tape, &str, i32) -> String) -> Result<()> {
    let y = call.output(tape)?;
    give_slope(tape, call, y, slope)
}

/// dx = dy·slope, the slope made from the input.
fn with_input(tape: &mut Tape, call: &Call<'_>, slope: impl FnOnce(&mut Tape, &str, i32) -> String) -> Result<()> {
    let x = call.input(tape, 0)?;
    give_slope(tape, call, x, slope)
}

fn give_slope(
    tape: &mut Tape,
    call: &Call<'_>,
    of: &str,
    slope: impl FnOnce(&mut Tape, &str, i32) -> String,
) -> Result<()> {
    let element = tape.shape(of)?.element;
    let slope = slope(tape, of, element);
    let gradient = tape.node("Mul", &[&call.dy, &slope]);
    tape.add_gradient(call.input(tape, 0)?, gradient);
    Ok(())
}
