//! What the passes of a graph that goes in blocks will hold, told before it is written.

use std::collections::{BTreeSet, HashMap};

use cones_onnx::info::Shape;
use cones_onnx::{Model, Result};

use crate::rows::norm::{self, Norm};
use crate::rows::region::Region;
use crate::rows::sight::Sight;
use crate::rows::{frame, levels};

/// Blocks that a body holds at once: what comes in, what it is normalised to, that with the neighbours' rows beside it, and what goes out.
const IN_A_BODY: u64 = 5;

/// The most bytes of kept values and of a body's own at any moment, if `model` (not rewritten yet) can go in blocks.
/// `shape` tells the shapes of its values.
///
/// # Errors
/// When a constant cannot be read.
pub fn peak<'s>(model: &Model, shape: impl Fn(&str) -> Option<&'s Shape>) -> Result<Option<u64>> {
    let sight = Sight::new(model)?;
    let norms = norm::find(&sight)?;
    let region = levels::assign(&sight, &norms).and_then(|levels| Region::find(&sight, &norms, &levels));
    Ok(region.ok().and_then(|region| most(&sight, &norms, &region, shape)))
}

fn most<'s>(
    sight: &Sight<'_>,
    norms: &HashMap<&str, Norm<'_>>,
    region: &Region<'_>,
    shape: impl Fn(&str) -> Option<&'s Shape>,
) -> Option<u64> {
    let bytes = |value: &str| shape(value).map(|shape| shape.bytes() as u64);
    let rows = *shape(region.input)?.dims.get(2)? as u64 >> region.depth;
    let blocks = (rows / frame::rows_of_block(rows)).max(1);
    let made = region.nodes.iter().filter_map(|at| sight.graph.node[*at].output.first()).map(String::as_str);
    let passes: Vec<(&str, BTreeSet<&str>)> = made
        .filter(|value| region.kept.contains(value))
        .map(|value| (value, reads(sight, norms, region, value)))
        .collect();
    let mut most = 0;
    for (at, (value, read)) in passes.iter().enumerate() {
        let made_before = passes[..at].iter().map(|(made, _)| *made).chain(std::iter::once(region.input));
        let is_read_later = |made: &&str| passes[at..].iter().any(|(_, read)| read.contains(made));
        let held: u64 = made_before.filter(is_read_later).map(bytes).sum::<Option<u64>>()?;
        let largest = read.iter().map(|read| bytes(read)).chain([bytes(value)]).max().flatten()?;
        most = most.max(held + bytes(value)? + IN_A_BODY * largest / blocks);
    }
    Some(most)
}

/// The kept values that a pass goes through to make one.
fn reads<'a>(
    sight: &Sight<'a>,
    norms: &HashMap<&'a str, Norm<'a>>,
    region: &Region<'a>,
    value: &str,
) -> BTreeSet<&'a str> {
    let inputs = |value: &str| -> Vec<&'a str> {
        match (norms.get(value), sight.links.maker(value)) {
            (Some(norm), _) => vec![norm.input],
            (None, Some(n)) => n.input.iter().map(String::as_str).collect(),
            (None, None) => Vec::new(),
        }
    };
    let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), inputs(value));
    while let Some(value) = open.pop() {
        if region.kept.contains(value) {
            found.insert(value);
        } else if seen.insert(value) && sight.links.maker_at(value).is_some_and(|at| region.nodes.contains(&at)) {
            open.extend(inputs(value));
        }
    }
    found
}
