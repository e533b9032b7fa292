//! Layer, instance and group normalisation with respect to what is normalised. Scale and bias are frozen.
//!
//! All three take mean and deviation over the last axis of some view of x. With x̂ = (x - μ)/σ and d = dy·scale:
//! dx = (d - mean(d) - x̂·mean(d·x̂))/σ.

use crate::gradient::Result;
use crate::gradient::call::Call;
use crate::gradient::tape::Tape;

/// Over the last axes, with a scale for each element.
pub(super) fn layer(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let x = call.input(tape, 0)?;
    let scale = frozen_scale(tape, call)?;
    let shape = tape.shape(x)?;
    let axis = call.axis(tape, call.int("axis", -1), shape.dims.len())?;
    let axes: Vec<usize> = (axis..shape.dims.len()).collect();
    let scaled = tape.node("Mul", &[&call.dy, scale]);
    let gradient = normalised(tape, x, &scaled, &axes, f64::from(call.float("epsilon", 1e-5)), shape.element);
    tape.give(x, gradient);
    Ok(())
}

/// Over each channel of each sample.
pub(super) fn instance(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let channels = tape.dims(call.input(tape, 0)?)?.get(1).copied().unwrap_or(0);
    grouped(tape, call, channels)
}

/// Over groups of channels of each sample.
pub(super) fn group(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let groups = usize::try_from(call.int("num_groups", 0)).unwrap_or(0);
    grouped(tape, call, groups)
}

fn grouped(tape: &mut Tape, call: &Call<'_>, groups: usize) -> Result<()> {
    let x = call.input(tape, 0)?;
    let scale = frozen_scale(tape, call)?;
    let shape = tape.shape(x)?;
    let channels = shape.dims.get(1).copied().unwrap_or(0);
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(call.unsupported(tape, format!("has {groups} groups of {channels} channels")));
    }
    let batch = shape.dims.first().copied().unwrap_or(0);
    let apart = [batch, groups, shape.count() / (batch * groups).max(1)];
    // Up to opset 20 group normalisation has a scale for each group, since then one for each channel.
    let count = tape.shape(scale)?.count();
    let gradient = if count == channels {
        let mut beside = vec![1; shape.dims.len().saturating_sub(1)];
        beside[0] = channels;
        let scale = tape.reshape(scale, &beside);
        let scaled = tape.node("Mul", &[&call.dy, &scale]);
        tape.reshape(&scaled, &apart)
    } else if count == groups {
        let scale = tape.reshape(scale, &[groups, 1]);
        let dy = tape.reshape(&call.dy, &apart);
        tape.node("Mul", &[&dy, &scale])
    } else {
        return Err(call.unsupported(tape, format!("has {count} scales for {channels} channels in {groups} groups")));
    };
    let viewed = tape.reshape(x, &apart);
    let gradient = normalised(tape, &viewed, &gradient, &[2], f64::from(call.float("epsilon", 1e-5)), shape.element);
    let gradient = tape.reshape(&gradient, &shape.dims);
    tape.give(x, gradient);
    Ok(())
}

/// The gradient of x where `d` is that of x̂.
fn normalised(tape: &mut Tape, x: &str, d: &str, axes: &[usize], epsilon: f64, element: i32) -> String {
    let mean = tape.mean(x, axes);
    let centred = tape.node("Sub", &[x, &mean]);
    let square = tape.node("Mul", &[&centred, &centred]);
    let variance = tape.mean(&square, axes);
    let epsilon = tape.scalar(epsilon, element);
    let variance = tape.node("Add", &[&variance, &epsilon]);
    let deviation = tape.node("Sqrt", &[&variance]);
    let normal = tape.node("Div", &[&centred, &deviation]);
    let shift = tape.mean(d, axes);
    let along = tape.node("Mul", &[d, &normal]);
    let along = tape.mean(&along, axes);
    let part = tape.node("Mul", &[&normal, &along]);
    let rest = tape.node("Sub", &[d, &shift]);
    let rest = tape.node("Sub", &[&rest, &part]);
    tape.node("Div", &[&rest, &deviation])
}

/// The scale, which must not depend on what is differentiated for.
fn frozen_scale<'c>(tape: &Tape, call: &'c Call<'_>) -> Result<&'c str> {
    let active = |at: usize| call.optional(at).is_some_and(|name| tape.is_active(name));
    if active(1) || active(2) {
        return Err(call.unsupported(
            tape,
            "has a scale or bias that depends on the inputs, for which there is no derivative rule",
        ));
    }
    call.input(tape, 1)
}
