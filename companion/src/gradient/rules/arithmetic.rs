//! Arithmetic of two operands, which broadcast against each other.

use super::activation;
use crate::gradient::Result;
use crate::gradient::call::Call;
use crate::gradient::tape::Tape;

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
        tape.give(right, negated);
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

/// y = a^b: da = dy·b·a^(b-1), db = dy·y·ln a.
pub(super) fn pow(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let y = call.output(tape)?;
    let from = tape.dims(y)?;
    let (base, exponent) = (call.input(tape, 0)?, call.input(tape, 1)?);
    if tape.is_active(base) {
        let element = tape.shape(exponent)?.element;
        let one = if crate::onnx::element::is_float(element) {
            tape.scalar(1.0, element)
        } else {
            return Err(call.unsupported(tape, "has an exponent that is not in floating point"));
        };
        let less = tape.node("Sub", &[exponent, &one]);
        let power = tape.node("Pow", &[base, &less]);
        let slope = tape.node("Mul", &[&power, exponent]);
        let gradient = tape.node("Mul", &[&call.dy, &slope]);
        tape.give_broadcast(base, gradient, &from)?;
    }
    if tape.is_active(exponent) {
        let logarithm = tape.node("Log", &[base]);
        let slope = tape.node("Mul", &[y, &logarithm]);
        let gradient = tape.node("Mul", &[&call.dy, &slope]);
        tape.give_broadcast(exponent, gradient, &from)?;
    }
    Ok(())
}

/// y = -x.
pub(super) fn neg(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let gradient = tape.node("Neg", &[&call.dy]);
    tape.give(call.input(tape, 0)?, gradient);
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
