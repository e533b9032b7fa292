//! Layer, instance and group normalisation with respect to what is normalised. Scale and bias are frozen.
//!
//! All three take mean and deviation over the last axis of some view of x. With the centred x, c = x - μ, r = 1/σ and
//! d = dy·scale over n elements: dx = r·d - r·Σd/n - c·r³·Σ(d·c)/n. All but the first term is a number or two for each
//! row, so few passes over the whole are needed. Forward nodes are replaced by ones that leave c or μ, and r, behind.

use cones_onnx::info::Shape;
use cones_onnx::proto::NodeProto;
use cones_onnx::proto::tensor_proto::DataType;

use crate::call::Call;
use crate::error::Result;
use crate::tape::Tape;

/// Over the last axes, with a scale for each element.
pub(super) fn layer(tape: &mut Tape, call: &Call<'_>) -> Result<()> {
    let (x, scale) = (call.input(tape, 0)?, frozen_scale(tape, call)?);
    let shape = tape.shape(x)?;
    let axis = call.axis(tape, call.int("axis", -1), shape.dims.len())?;
    let count = shape.dims.iter().skip(axis).product::<usize>();
    let rows = shape.count() / count.max(1);
    let (centred, inverse) = layer_statistics(tape, call, &shape, [rows, count])?;
    // A scale may have fewer elements than a row, and spread over it.
    let spread = match tape.shape(scale)?.count() {
        own if own == count => scale.to_owned(),
        _ => {
            let whole = tape.sizes(shape.dims.get(axis..).unwrap_or_default());
            tape.node("Expand", &[scale, &whole])
        }
    };
    let scale = tape.reshape(&spread, &[1, count]);
    let dy = tape.reshape(&call.dy, &[rows, count]);
    let scaled = tape.node("Mul", &[&dy, &scale]);
    let along = tape.node("Mul", &[&scaled, &centred]);
    let (sum, along) = (tape.sum(&scaled, &[1], true), tape.sum(&along, &[1], true));
    let rest = rest(tape, &centred, &inverse, [&sum, &along], count, shape.element);
    let first = tape.node("Mul", &[&scaled, &inverse]);
    let gradient = tape.node("Add", &[&first, &rest]);
    let gradient = tape.reshape(&gradient, &shape.dims);
    tape.add_gradient(x, gradient);
    Ok(())
}

/// The centred x as rows, and one over the deviation of each.
fn layer_statistics(tape: &mut Tape, call: &Call<'_>, shape: &Shape, rows: [usize; 2]) -> Result<(String, String)> {
    let (x, y) = (call.input(tape, 0)?, call.output(tape)?);
    let has_more = call.node.output.len() > 1;
    if shape.element != DataType::Float as i32 || has_more {
        let viewed = tape.reshape(x, &rows);
        return Ok(statistics(tape, &viewed, &[1], f64::from(call.float("epsilon", 1e-5)), shape.element));
    }
    // The node itself gives both numbers, if it is asked to.
    let (mean, inverse) = (tape.fresh("Mean"), tape.fresh("InvStdDev"));
    let output = vec![y.to_owned(), mean.clone(), inverse.clone()];
    tape.replace(y, |tape| tape.nodes.push(NodeProto { output, ..call.node.clone() }));
    let viewed = tape.reshape(x, &rows);
    let column = [rows[0], 1];
    let (mean, inverse) = (tape.reshape(&mean, &column), tape.reshape(&inverse, &column));
    Ok((tape.node("Sub", &[&viewed, &mean]), inverse))
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
    let (x, y) = (call.input(tape, 0)?, call.output(tape)?);
    let (scale, bias) = (frozen_scale(tape, call)?, call.input(tape, 2)?);
    let shape = tape.shape(x)?;
    let [batch, channels] = match *shape.dims.as_slice() {
        [batch, channels, ..] if groups > 0 && channels.is_multiple_of(groups) => [batch, channels],
        _ => return Err(call.unsupported(tape, format!("has {groups} groups for an input of shape {:?}", shape.dims))),
    };
    let places = shape.dims.iter().skip(2).product::<usize>();
    let members = channels / groups;
    let (whole, apart, each) = ([batch, channels, places], [batch, groups, members * places], [batch, groups, members]);
    // Up to opset 20 group normalisation has a scale for each group, since then one for each channel.
    let (one_each, element) = (tape.shape(scale)?.count(), shape.element);
    let (scales, biases) = match one_each {
        count if count == channels => ([1, groups, members], [1, channels, 1]),
        count if count == groups => ([1, groups, 1], [1, groups, 1]),
        count => return Err(call.unsupported(tape, format!("has {count} scales for {channels} channels"))),
    };
    let epsilon = f64::from(call.float("epsilon", 1e-5));
    let saved = tape.replace(y, |tape| {
        let viewed = tape.reshape(x, &apart);
        let (centred, inverse) = statistics(tape, &viewed, &[2], epsilon, element);
        let scale = tape.reshape(scale, &scales);
        let factor = tape.node("Mul", &[&inverse, &scale]);
        // With a scale for each group the factor is of [batch, groups, 1], else of one for each channel.
        let (view, factors) =
            if one_each == channels { (whole, [batch, channels, 1]) } else { (apart, [batch, groups, 1]) };
        let factor = tape.reshape(&factor, &factors);
        let viewed = tape.reshape(&centred, &view);
        let bias = tape.reshape(bias, &biases);
        let scaled = tape.node("Mul", &[&viewed, &factor]);
        let shifted = tape.node("Add", &[&scaled, &bias]);
        let dims = tape.sizes(&shape.dims);
        tape.node_named("Reshape", &[&shifted, &dims], vec![], y);
        Saved { centred, inverse, scale, factor, view }
    });
    let Saved { centred, inverse, scale, factor, view } = saved;
    let (dy, viewed) = (tape.reshape(&call.dy, &whole), tape.reshape(&centred, &whole));
    let along = tape.node("Mul", &[&dy, &viewed]);
    // Sums of a channel first, then, each with its scale, those of a group.
    let mut totals = Vec::new();
    for value in [&dy, &along] {
        let sums = tape.sum(value, &[2], false);
        let sums = tape.reshape(&sums, &each);
        let sums = tape.node("Mul", &[&sums, &scale]);
        totals.push(tape.sum(&sums, &[2], true));
    }
    let rest = rest(tape, &centred, &inverse, [&totals[0], &totals[1]], members * places, element);
    let rest = tape.reshape(&rest, &view);
    let dy = tape.reshape(&call.dy, &view);
    let first = tape.node("Mul", &[&dy, &factor]);
    let gradient = tape.node("Add", &[&first, &rest]);
    let gradient = tape.reshape(&gradient, &shape.dims);
    tape.add_gradient(x, gradient);
    Ok(())
}

/// What the forward nodes of a group normalisation leave behind.
struct Saved {
    centred: String,
    inverse: String,
    scale: String,
    /// The scale over the deviation, to be spread over `view`.
    factor: String,
    view: [usize; 3],
}

/// The centred x and one over the deviation, which keeps the axes with size one.
fn statistics(tape: &mut Tape, x: &str, axes: &[usize], epsilon: f64, element: i32) -> (String, String) {
    let mean = tape.mean(x, axes);
    let centred = tape.node("Sub", &[x, &mean]);
    let square = tape.node("Mul", &[&centred, &centred]);
    let variance = tape.mean(&square, axes);
    let epsilon = tape.scalar(epsilon, element);
    let variance = tape.node("Add", &[&variance, &epsilon]);
    let deviation = tape.node("Sqrt", &[&variance]);
    let inverse = tape.node("Reciprocal", &[&deviation]);
    (centred, inverse)
}

/// -r·Σd/n - c·r³·Σ(d·c)/n.
fn rest(tape: &mut Tape, c: &str, r: &str, [sum, along]: [&str; 2], count: usize, element: i32) -> String {
    let part = tape.scaled(r, -1.0 / count.max(1) as f64, element);
    let shift = tape.node("Mul", &[&part, sum]);
    let square = tape.node("Mul", &[r, r]);
    let slope = tape.node("Mul", &[&part, &square]);
    let slope = tape.node("Mul", &[&slope, along]);
    let tilted = tape.node("Mul", &[c, &slope]);
    tape.node("Add", &[&tilted, &shift])
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
