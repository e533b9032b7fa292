//! Nodes that change how elements are laid out, not what they are.

use cones_onnx::attribute;

use crate::call::Call;
use crate::error::Result;
use crate::tape::Tape;

/// Back to the shape the input had.
pub(super) fn reshape(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let x = call.input(tape, 0)?;
    let dims = tape.dims(x)?;
    let gradient = tape.reshape(&call.dy, &dims);
    tape.add_gradient(x, gradient);
    Ok(())
}

/// Nothing to do.
pub(super) fn identity(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    tape.add_gradient(call.input(tape, 0)?, call.dy.clone());
    Ok(())
}

/// Nothing to do, as long as nothing is dropped: a node that trains has a third input.
pub(super) fn dropout(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    if call.optional(2).is_some() {
        return Err(call.unsupported(tape, "says whether it is training, for which there is no derivative rule"));
    }
    identity(tape, call)
}

/// Back to the input's element type.
pub(super) fn cast(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let x = call.input(tape, 0)?;
    let (from, to) = (tape.shape(call.output(tape)?)?.element, tape.shape(x)?.element);
    let gradient = if from == to {
        call.dy.clone()
    } else {
        tape.node_with("Cast", &[&call.dy], vec![attribute::int("to", i64::from(to))])
    };
    tape.add_gradient(x, gradient);
    Ok(())
}

/// The inverse order of axes.
pub(super) fn transpose(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let x = call.input(tape, 0)?;
    let rank = tape.dims(x)?.len();
    let reversed: Vec<i64> = (0..rank as i64).rev().collect();
    let order = attribute::get_ints(call.node, "perm").unwrap_or(&reversed);
    let mut inverse = vec![0; rank];
    for (to, from) in order.iter().enumerate() {
        let from = call.axis(tape, *from, rank)?;
        if let Some(place) = inverse.get_mut(from) {
            *place = to;
        }
    }
    let gradient = tape.transpose(&call.dy, &inverse);
    tape.add_gradient(x, gradient);
    Ok(())
}

/// Sums over what was repeated.
pub(super) fn expand(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let from = tape.dims(call.output(tape)?)?;
    tape.give_broadcast(call.input(tape, 0)?, call.dy.clone(), &from)
}
