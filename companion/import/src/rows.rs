//! A VAE's graph in blocks of rows: the same result to rounding, in a part of the memory.
//!
//! Most of the memory that a VAE takes is in its two largest resolutions: a decoder at 512 by 512 pixels holds several
//! tensors of 268 MB at once. In their place the rewritten graph has one `Scan` for each convolution that reaches beyond its
//! row. It goes through the picture a few rows at a time, and only what a later pass needs as a whole is kept:
//!
//! ```text
//! kept blocks ─ [ normalise ─ SiLU ─ Resize ]─ rows of the neighbours beside them ─ Conv ─ Add ─┬─ kept blocks
//!                     │                                                                         └─ means and squares
//!                     └── scale and shift of each channel, from the means and squares of all blocks
//! ```
//!
//! A group norm takes its mean and variance over the whole picture, so they are summed up by the pass that makes its
//! input: means and squares of each channel of each block, put together as Chan, Golub and LeVeque do. A convolution of
//! three rows gets the last row above and the first row below its block, or zeros at the true edge.
//!
//! Kept values lie in blocks, [blocks, 1, channels, rows, width]. A block has four rows of the lowest resolution that is
//! cut, or two or one where four do not divide them: any size of picture that the graph takes in whole such rows works.
//! The rewritten graph takes one picture at a time.
//!
//! `region` says what goes in blocks, `frame` cuts and puts together, `pass` writes a `Scan`, `statistics` and `norm` are
//! about group norms, `doubled` about convolutions behind a doubling, `footprint` about what all of it will hold.

mod doubled;
mod footprint;
mod frame;
mod ink;
mod levels;
mod norm;
mod parts;
mod pass;
mod region;
mod sight;
mod statistics;

use cones_onnx::proto::{NodeProto, TensorProto};
use cones_onnx::{Model, Result, graph, info};

pub use footprint::peak;
use frame::Frame;
use ink::Ink;
use parts::Reason;
use pass::Writer;
use region::Region;
use sight::Sight;

/// The oldest version of the standard operators that has the nodes that are written.
const OPSET: i64 = 15;

/// What became of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewritten {
    /// The graph goes in blocks, in that many passes.
    Blocks(usize),
    /// The graph is as it was, for this reason; continues "the graph …".
    Left(String),
}

/// Lets the two largest resolutions of a VAE's graph, decoder or encoder, go in blocks of rows.
///
/// Graphs of another shape stay as they are; the reason is returned.
///
/// # Errors
/// When a constant cannot be read.
pub fn rewrite(model: &mut Model) -> Result<Rewritten> {
    match written(model)? {
        Ok((nodes, constants, passes)) => {
            let graph = model.graph_mut()?;
            graph.node = nodes;
            graph.initializer.extend(constants);
            for value in graph.input.iter_mut().chain(&mut graph.output) {
                info::fix_at(value, 0, 1);
            }
            graph::prune(graph);
            Ok(Rewritten::Blocks(passes))
        }
        Err(reason) => Ok(Rewritten::Left(reason)),
    }
}

/// Lets a VAE go in blocks of rows, and says in the log where it does not.
///
/// # Errors
/// As [`rewrite`].
pub fn cut(model: &mut Model) -> Result<()> {
    let file = model.file().display().to_string();
    match rewrite(model)? {
        Rewritten::Blocks(passes) => log::info!("`{file}`: goes in blocks of rows, in {passes} passes"),
        Rewritten::Left(reason) => {
            log::warn!("`{file}`: the graph {reason}; it goes through whole pictures, and takes more memory");
        }
    }
    Ok(())
}

/// The graph's nodes anew, their further constants, and how many passes there are.
type Written = (Vec<NodeProto>, Vec<TensorProto>, usize);

fn written(model: &Model) -> Result<Result<Written, Reason>> {
    if model.opset() < OPSET {
        return Ok(Err(format!("is of opset {}; blocks take {OPSET} or newer", model.opset())));
    }
    let sight = Sight::new(model)?;
    let norms = norm::find(&sight)?;
    let levels = match levels::assign(&sight, &norms) {
        Ok(levels) => levels,
        Err(reason) => return Ok(Err(reason)),
    };
    let region = match Region::find(&sight, &norms, &levels) {
        Ok(region) => region,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut ink = Ink::new(sight.graph, model.opset());
    let mut passes = 0;
    let mut writer: Option<Writer<'_>> = None;
    for (at, n) in sight.graph.node.iter().enumerate() {
        if region.absorbed.contains(&at) {
            continue;
        }
        if !region.nodes.contains(&at) {
            ink.nodes.push(n.clone());
            continue;
        }
        if writer.is_none() {
            let frame = Frame::new(&mut ink, &region);
            writer = Some(Writer::new(&sight, &norms, &region, frame, &mut ink));
        }
        let (Some(writer), Some(output)) = (writer.as_mut(), n.output.first()) else { continue };
        if region.kept.contains(output.as_str()) {
            if let Err(reason) = writer.pass(output, &mut ink) {
                return Ok(Err(reason));
            }
            passes += 1;
        }
    }
    Ok(Ok((ink.nodes, ink.initializers, passes)))
}
