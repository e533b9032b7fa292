//! Nodes that put values together and take parts of them.

use cones_onnx::attribute;

use crate::call::Call;
use crate::error::Result;
use crate::tape::Tape;

/// Each part gets its piece of the gradient.
pub(super) fn concat(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let rank = tape.dims(call.output(tape)?)?.len();
    let axis = call.axis(tape, call.int("axis", 0), rank)?;
    let parts: Vec<&str> = call.node.input.iter().map(String::as_str).collect();
    let mut sizes = Vec::with_capacity(parts.len());
    for part in &parts {
        sizes.push(tape.dims(part)?.get(axis).copied().unwrap_or(0));
    }
    if parts.len() == 1 {
        tape.add_gradient(parts[0], call.dy.clone());
        return Ok(());
    }
    let mut start = 0;
    for (part, size) in parts.iter().zip(sizes) {
        // Slices, not one split: parts whose gradient nobody wants are never made.
        if tape.is_active(part) {
            let piece = tape.cut(&call.dy, axis, &(start..start + size));
            tape.add_gradient(part, piece);
        }
        start += size;
    }
    Ok(())
}

/// The gradients of the pieces, put together again; zeros for pieces that nothing came back to.
pub(super) fn split(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let x = call.input(tape, 0)?;
    let shape = tape.shape(x)?;
    let axis = call.axis(tape, call.int("axis", 0), shape.dims.len())?;
    let mut pieces = vec![call.dy.clone()];
    for (output, gradient) in call.node.output.iter().skip(1).zip(&call.rest) {
        pieces.push(match gradient {
            Some(gradient) => gradient.clone(),
            None => tape.zeros(output)?,
        });
    }
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let gradient = tape.node_with("Concat", &pieces, vec![attribute::int("axis", axis as i64)]);
    tape.add_gradient(x, gradient);
    Ok(())
}

/// Zeros around the piece.
pub(super) fn slice(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let x = call.input(tape, 0)?;
    let shape = tape.shape(x)?;
    let rank = shape.dims.len();
    let numbers = |at: usize| call.optional(at).map(|name| tape.shapes.integers(name).map(<[i64]>::to_vec));
    let (Some(Some(starts)), Some(Some(_))) = (numbers(1), numbers(2)) else {
        return Err(call.unsupported(tape, "has bounds that are not constant"));
    };
    let axes = match numbers(3) {
        None => (0..starts.len() as i64).collect(),
        Some(Some(axes)) if axes.len() == starts.len() => axes,
        Some(_) => return Err(call.unsupported(tape, "has axes that are not constant")),
    };
    if call.optional(4).is_some() && numbers(4).flatten().is_none_or(|steps| steps.iter().any(|step| *step != 1)) {
        return Err(call.unsupported(tape, "has steps other than one, for which there is no derivative rule"));
    }
    let cut = tape.dims(call.output(tape)?)?;
    let (mut before, mut after) = (vec![0i64; rank], vec![0i64; rank]);
    for (start, axis) in starts.into_iter().zip(axes) {
        let axis = call.axis(tape, axis, rank)?;
        let (size, length) =
            (shape.dims.get(axis).copied().unwrap_or(0) as i64, cut.get(axis).copied().unwrap_or(0) as i64);
        let start = if start < 0 { start.saturating_add(size).max(0) } else { start.min(size) };
        if let (Some(before), Some(after)) = (before.get_mut(axis), after.get_mut(axis)) {
            (*before, *after) = (start, size - start - length);
        }
    }
    let gradient = pad(tape, &call.dy, &before, &after);
    tape.add_gradient(x, gradient);
    Ok(())
}

/// Zeros before and after, along every axis.
fn pad(tape: &mut Tape, value: &str, before: &[i64], after: &[i64]) -> String {
    let pads = tape.ints(&[before, after].concat());
    tape.node("Pad", &[value, &pads])
}

/// Rows chosen along an axis, by constant indices: a product with the matrix that has a one where a row was chosen.
pub(super) fn gather(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let (x, indices) = (call.input(tape, 0)?, call.input(tape, 1)?);
    let shape = tape.shape(x)?;
    let axis = call.axis(tape, call.int("axis", 0), shape.dims.len())?;
    let size = shape.dims.get(axis).copied().unwrap_or(0);
    let Some(chosen) = tape.shapes.integers(indices).map(<[i64]>::to_vec) else {
        return Err(call
            .unsupported(tape, "takes rows by indices that are not constant, for which there is no derivative rule"));
    };
    let mut matrix = vec![0.0; size.saturating_mul(chosen.len())];
    for (column, index) in chosen.iter().enumerate() {
        let row = call.axis(tape, *index, size)?;
        if let Some(place) = matrix.get_mut(row * chosen.len() + column) {
            *place = 1.0;
        }
    }
    let (outer, inner) =
        (shape.dims.iter().take(axis).product::<usize>(), shape.dims.iter().skip(axis + 1).product::<usize>());
    let matrix = tape.numbers(&matrix, &[size, chosen.len()], shape.element);
    let rows = tape.reshape(&call.dy, &[outer, chosen.len(), inner]);
    let spread = tape.node("MatMul", &[&matrix, &rows]);
    let gradient = tape.reshape(&spread, &shape.dims);
    tape.add_gradient(x, gradient);
    Ok(())
}
