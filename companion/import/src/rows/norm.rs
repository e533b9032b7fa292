//! Group norms, in the two spellings that exporters have for them.

use std::collections::HashMap;

use cones_onnx::proto::NodeProto;
use cones_onnx::{Result, attribute, node};

use crate::rows::sight::Sight;

/// The version from which on `GroupNormalization` has a scale and a shift for each channel, not for each group.
const PER_CHANNEL: i64 = 21;

/// A group norm with a scale and a shift for each channel.
#[derive(Debug, Clone)]
pub(super) struct Norm<'a> {
    /// What is normalised.
    pub(super) input: &'a str,
    pub(super) groups: i64,
    /// Values of as many elements as there are channels.
    pub(super) scale: &'a str,
    pub(super) shift: &'a str,
    pub(super) epsilon: f32,
    /// Positions of the nodes it is made of, but the one that gives its result.
    pub(super) inner: Vec<usize>,
}

/// All group norms, by the values they give.
///
/// # Errors
/// When a constant cannot be read.
pub(super) fn find<'a>(sight: &Sight<'a>) -> Result<HashMap<&'a str, Norm<'a>>> {
    let mut found = HashMap::new();
    for (at, n) in sight.graph.node.iter().enumerate() {
        let norm = if node::has_op(n, "GroupNormalization") {
            single(sight, n)
        } else if node::has_op(n, "InstanceNormalization") {
            spelled_out(sight, n, at)?
        } else {
            None
        };
        found.extend(norm);
    }
    Ok(found)
}

/// `GroupNormalization`.
fn single<'a>(sight: &Sight<'a>, n: &'a NodeProto) -> Option<(&'a str, Norm<'a>)> {
    let ([input, scale, shift], [output]) = (n.input.as_slice(), n.output.as_slice()) else { return None };
    if sight.model.opset() < PER_CHANNEL {
        return None;
    }
    let (groups, epsilon) = (node::int(n, "num_groups")?, node::float(n, "epsilon").unwrap_or(1e-5));
    Some((output, Norm { input, groups, scale, shift, epsilon, inner: Vec::new() }))
}

/// `Reshape` to [batch, groups, rest], `InstanceNormalization` that neither scales nor shifts, `Reshape` back, `Mul`, `Add`.
fn spelled_out<'a>(sight: &Sight<'a>, n: &'a NodeProto, at: usize) -> Result<Option<(&'a str, Norm<'a>)>> {
    let ([apart, ones, zeros], [normed]) = (n.input.as_slice(), n.output.as_slice()) else { return Ok(None) };
    let is_all = |value: &str, number: f32| -> Result<Option<usize>> {
        let numbers = sight.numbers(value)?.filter(|numbers| numbers.iter().all(|n| *n == number));
        Ok(numbers.map(|numbers| numbers.len()))
    };
    let (Some(groups), Some(_)) = (is_all(ones, 1.0)?, is_all(zeros, 0.0)?) else { return Ok(None) };
    let groups = groups as i64;
    let Some(before) = sight.links.maker(apart).filter(|n| node::has_op(n, "Reshape")) else { return Ok(None) };
    let ([input, shape], Some(before_at)) = (before.input.as_slice(), sight.links.maker_at(apart)) else {
        return Ok(None);
    };
    if sight.whole_numbers(shape)?.as_deref() != Some(&[0, groups, -1]) || sight.links.only_reader(apart) != Some(at) {
        return Ok(None);
    }
    let epsilon = node::float(n, "epsilon").unwrap_or(1e-5);
    Ok((|| {
        let back_at = sight.links.only_reader(normed)?;
        let back = sight.graph.node.get(back_at).filter(|n| node::has_op(n, "Reshape"))?;
        let whole_at = sight.links.maker_at(back.input.get(1)?)?;
        let whole = sight.graph.node.get(whole_at).filter(|n| is_whole_shape(n, input))?;
        let (mul_at, scale, scaled) = by_channel(sight, back.output.first()?, "Mul")?;
        let (_, shift, output) = by_channel(sight, scaled, "Add")?;
        let mut inner = vec![before_at, at, back_at, mul_at];
        // The shape may serve another node too.
        inner.extend(sight.links.only_reader(whole.output.first()?).map(|_| whole_at));
        Some((output, Norm { input, groups, scale, shift, epsilon, inner }))
    })())
}

/// Whether it is the shape of `value`, all of it.
fn is_whole_shape(n: &NodeProto, value: &str) -> bool {
    let is_all = node::int(n, "start").unwrap_or(0) == 0 && attribute::get_ints(n, "end").is_none();
    node::has_op(n, "Shape")
        && is_all
        && node::int(n, "end").is_none()
        && n.input.first().is_some_and(|input| input == value)
}

/// The one node that reads `value`, if it is of that operator and its other operand is a constant with a number for each
/// channel; then its position, that operand and its result.
fn by_channel<'a>(sight: &Sight<'a>, value: &str, op: &str) -> Option<(usize, &'a str, &'a str)> {
    let at = sight.links.only_reader(value)?;
    let n = sight.graph.node.get(at).filter(|n| node::has_op(n, op))?;
    let ([left, right], [output]) = (n.input.as_slice(), n.output.as_slice()) else { return None };
    let other = if left == value { right } else { left };
    match sight.constant(other)?.dims.as_slice() {
        [_, 1, 1] | [1, _, 1, 1] => Some((at, other, output)),
        _ => None,
    }
}
