//! Sums and means over axes.

use cones_onnx::attribute;

use crate::call::Call;
use crate::error::Result;
use crate::tape::Tape;

/// y = Σ x over axes: every element that was summed gets dy.
pub(super) fn sum(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    spread(tape, call, |_| 1.0)
}

/// y = the mean of x over axes.
pub(super) fn mean(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    spread(tape, call, |count| 1.0 / count)
}

fn spread(tape: &mut Tape, call: &Call<'_>, factor: impl FnOnce(f64) -> f64) -> Result<()> {
    let x = call.input(tape, 0)?;
    let shape = tape.shape(x)?;
    let axes = axes(tape, call, shape.dims.len())?;
    let kept: Vec<usize> =
        shape.dims.iter().enumerate().map(|(i, size)| if axes.contains(&i) { 1 } else { *size }).collect();
    let count: f64 = axes.iter().filter_map(|axis| shape.dims.get(*axis)).map(|size| *size as f64).product();
    let factor = factor(count);
    let mut gradient = tape.reshape(&call.dy, &kept);
    if factor != 1.0 {
        // Before it is spread: it has fewer elements then.
        gradient = tape.scaled(&gradient, factor, shape.element);
    }
    let wanted = tape.sizes(&shape.dims);
    let gradient = tape.node("Expand", &[&gradient, &wanted]);
    tape.add_gradient(x, gradient);
    Ok(())
}

/// The axes a reduction goes over: an input in newer opsets, an attribute in older ones, all where neither is there.
fn axes(tape: &Tape, call: &Call<'_>, rank: usize) -> Result<Vec<usize>> {
    let given = match call.optional(1) {
        Some(name) => match tape.shapes.integers(name) {
            Some(axes) => axes.to_vec(),
            None => return Err(call.unsupported(tape, "has axes that are not constant")),
        },
        None => attribute::get_ints(call.node, "axes").unwrap_or_default().to_vec(),
    };
    if given.is_empty() {
        let none = call.int("noop_with_empty_axes", 0) != 0;
        return Ok(if none { Vec::new() } else { (0..rank).collect() });
    }
    given.into_iter().map(|axis| call.axis(tape, axis, rank)).collect()
}
