//! Arithmetic of two operands, which broadcast against each other.

use cones_onnx::attribute;

use crate::call::Call;
use crate::error::Result;
use crate::rules::activation;
use crate::tape::Tape;

/// y = a + b.
pub(super) fn add(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    sum(tape, call)
}

/// y = a + b + …
pub(super) fn sum(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let from = tape.dims(call.output(tape)?)?;
    for value in &call.node.input {
        tape.give_broadcast(value, call.dy.clone(), &from)?;
    }
    Ok(())
}

/// y = a - b.
pub(super) fn sub(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let from = tape.dims(call.output(tape)?)?;
    tape.give_broadcast(call.input(tape, 0)?, call.dy.clone(), &from)?;
    let right = call.input(tape, 1)?;
    if tape.is_active(right) {
        // Negated last: the sum over what was broadcast has fewer elements.
        let to = tape.dims(right)?;
        let summed = tape.unbroadcast(call.dy.clone(), &from, &to);
        let negated = tape.node("Neg", &[&summed]);
        tape.add_gradient(right, negated);
    }
    Ok(())
}

/// y = a·b; `x·sigmoid(x)` as one.
pub(super) fn mul(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    if activation::silu(tape, call)? {
        return Ok(());
    }
    let from = tape.dims(call.output(tape)?)?;
    let (left, right) = (call.input(tape, 0)?, call.input(tape, 1)?);
    for (value, other) in [(left, right), (right, left)] {
        if tape.is_active(value) {
            let gradient = tape.node("Mul", &[&call.dy, other]);
            tape.give_broadcast(value, gradient, &from)?;
        }
    }
    Ok(())
}

/// y = a/b: da = dy/b, db = -dy·y/b.
pub(super) fn div(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let y = call.output(tape)?;
    let from = tape.dims(y)?;
    let (left, right) = (call.input(tape, 0)?, call.input(tape, 1)?);
    let quotient = tape.node("Div", &[&call.dy, right]);
    if tape.is_active(right) {
        let product = tape.node("Mul", &[&quotient, y]);
        let negated = tape.node("Neg", &[&product]);
        tape.give_broadcast(right, negated, &from)?;
    }
    tape.give_broadcast(left, quotient, &from)
}

/// y = a^b: da = dy·b·a^(b-1), db = dy·y·ln a. The exponent may be of another type, also of whole numbers.
pub(super) fn pow(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let y = call.output(tape)?;
    let shape = tape.shape(y)?;
    let (base, exponent) = (call.input(tape, 0)?, call.input(tape, 1)?);
    if tape.is_active(base) {
        let power = as_type(tape, exponent, shape.element)?;
        let one = tape.scalar(1.0, shape.element);
        let less = tape.node("Sub", &[&power, &one]);
        let lower = tape.node("Pow", &[base, &less]);
        let slope = tape.node("Mul", &[&lower, &power]);
        let gradient = tape.node("Mul", &[&call.dy, &slope]);
        tape.give_broadcast(base, gradient, &shape.dims)?;
    }
    if tape.is_active(exponent) {
        let logarithm = tape.node("Log", &[base]);
        let slope = tape.node("Mul", &[y, &logarithm]);
        let gradient = tape.node("Mul", &[&call.dy, &slope]);
        let own = tape.shape(exponent)?.element;
        let gradient = if own == shape.element { gradient } else { cast(tape, &gradient, own) };
        tape.give_broadcast(exponent, gradient, &shape.dims)?;
    }
    Ok(())
}

/// The value in an element type, which it may have already.
fn as_type(tape: &mut Tape, value: &str, element: i32) -> Result<String> {
    Ok(if tape.shape(value)?.element == element { value.to_owned() } else { cast(tape, value, element) })
}

fn cast(tape: &mut Tape, value: &str, element: i32) -> String {
    tape.node_with("Cast", &[value], vec![attribute::int("to", i64::from(element))])
}

/// y = -x.
pub(super) fn neg(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let gradient = tape.node("Neg", &[&call.dy]);
    tape.add_gradient(call.input(tape, 0)?, gradient);
    Ok(())
}

/// y = c ? a : b.
pub(super) fn choose(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let y = call.output(tape)?;
    let from = tape.dims(y)?;
    let zero = tape.shape(y)?.element;
    let zero = tape.scalar(0.0, zero);
    let (condition, left, right) = (call.input(tape, 0)?, call.input(tape, 1)?, call.input(tape, 2)?);
    if tape.is_active(left) {
        let gradient = tape.node("Where", &[condition, &call.dy, &zero]);
        tape.give_broadcast(left, gradient, &from)?;
    }
    if tape.is_active(right) {
        let gradient = tape.node("Where", &[condition, &zero, &call.dy]);
        tape.give_broadcast(right, gradient, &from)?;
    }
    Ok(())
}
