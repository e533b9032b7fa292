//! A pass through the picture: one `Scan`, which makes all blocks of a value from those of kept ones.

use std::collections::HashMap;

use cones_onnx::node;
use cones_onnx::proto::NodeProto;

use crate::rows::doubled;
use crate::rows::frame::Frame;
use crate::rows::ink::Ink;
use crate::rows::levels::{BINARY, Reach, UNARY, is_any};
use crate::rows::norm::Norm;
use crate::rows::parts::{Reason, attributes_with, pads};
use crate::rows::region::Region;
use crate::rows::sight::Sight;
use crate::rows::statistics::Statistics;

/// Which rows of a value are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Those of the block.
    Block,
    /// The last row of the block above.
    Above,
    /// The first row of the block below.
    Below,
}

/// Writes passes one after another.
pub(super) struct Writer<'a> {
    sight: &'a Sight<'a>,
    norms: &'a HashMap<&'a str, Norm<'a>>,
    region: &'a Region<'a>,
    frame: Frame,
    /// The blocks of kept values that are made already.
    blocks: HashMap<String, String>,
    statistics: HashMap<String, Statistics>,
    /// Scale and shift of group norms that were needed already, by their results.
    affines: HashMap<String, [String; 2]>,
}

/// What one body holds so far.
#[derive(Default)]
struct Body {
    /// Values outside that come in a block at a time, and their names inside.
    sequences: Vec<(String, String)>,
    made: HashMap<(String, Part), String>,
}

impl Body {
    /// A value's part for this block.
    fn part_of(&mut self, ink: &mut Ink, outside: &str) -> String {
        if let Some((_, inside)) = self.sequences.iter().find(|(own, _)| own == outside) {
            return inside.clone();
        }
        let inside = ink.fresh("part");
        self.sequences.push((outside.to_owned(), inside.clone()));
        inside
    }
}

impl<'a> Writer<'a> {
    /// Cuts what goes in.
    pub(super) fn new(
        sight: &'a Sight<'a>,
        norms: &'a HashMap<&'a str, Norm<'a>>,
        region: &'a Region<'a>,
        frame: Frame,
        ink: &mut Ink,
    ) -> Self {
        let blocks = HashMap::from([(region.input.to_owned(), frame.cut(ink, region.input))]);
        Self { sight, norms, region, frame, blocks, statistics: HashMap::new(), affines: HashMap::new() }
    }

    /// Writes the pass that makes a kept value, and puts its blocks together if it is read outside.
    pub(super) fn pass(&mut self, value: &str, ink: &mut Ink) -> Result<(), Reason> {
        let mut body = Body::default();
        let (written, nodes) = ink.body(|ink| {
            let block = self.made(value, Part::Block, &mut body, ink)?;
            let statistics = self.region.normed.contains(value).then(|| Statistics::new(ink, &block));
            Ok::<_, Reason>((block, statistics))
        });
        let (block, statistics) = written?;
        let blocks = ink.fresh("blocks");
        let mut outputs = vec![(block, blocks.clone())];
        if let Some(inside) = statistics {
            let outside = Statistics { means: ink.fresh("means"), squares: ink.fresh("squares") };
            outputs.push((inside.means, outside.means.clone()));
            outputs.push((inside.squares, outside.squares.clone()));
            self.statistics.insert(value.to_owned(), outside);
        }
        ink.scan(&body.sequences, nodes, &outputs);
        if self.region.outputs.contains(value) {
            self.frame.join(ink, &blocks, value);
        }
        self.blocks.insert(value.to_owned(), blocks);
        Ok(())
    }

    /// Whether it is a picture of the region, or what goes into it.
    fn is_inside(&self, value: &str) -> bool {
        let made = self.sight.links.maker_at(value).is_some_and(|at| self.region.nodes.contains(&at));
        made || value == self.region.input
    }

    /// Writes what makes a part of `value`, and returns that part [1, channels, rows, width].
    fn made(&mut self, value: &str, part: Part, body: &mut Body, ink: &mut Ink) -> Result<String, Reason> {
        let key = (value.to_owned(), part);
        if let Some(made) = body.made.get(&key) {
            return Ok(made.clone());
        }
        let made = match self.blocks.get(value) {
            Some(blocks) => kept(&self.frame, blocks, part, body, ink),
            None => self.computed(value, part, body, ink)?,
        };
        body.made.insert(key, made.clone());
        Ok(made)
    }

    fn computed(&mut self, value: &str, part: Part, body: &mut Body, ink: &mut Ink) -> Result<String, Reason> {
        if let Some(norm) = self.norms.get(value) {
            let input = self.made(norm.input, part, body, ink)?;
            let [scale, shift] = self.affine(value, norm, ink)?;
            let scaled = ink.node("Mul", &[&input, &scale]);
            return Ok(ink.node("Add", &[&scaled, &shift]));
        }
        let n = self.sight.links.maker(value).filter(|_| self.is_inside(value));
        let n = n.ok_or_else(|| format!("makes `{value}` outside of its largest resolutions"))?;
        if node::has_op(n, "Conv") {
            return self.convolved(n, part, body, ink);
        }
        if node::has_op(n, "Resize") {
            let input = self.made(first_input(n), part, body, ink)?;
            // A row that is doubled is the same row twice; one of them is next to the block.
            let rows = if part == Part::Block { 2.0 } else { 1.0 };
            let scales = ink.floats(&[1.0, 1.0, rows, 2.0], &[4]);
            return Ok(ink.again(n, vec![input, String::new(), scales], n.attribute.clone()));
        }
        if !is_any(n, &UNARY) && !is_any(n, &BINARY) {
            return Err(format!(
                "holds the node `{}` ({}), which cannot be done in blocks",
                node::label(n),
                n.op_type()
            ));
        }
        let mut inputs = Vec::new();
        for input in &n.input {
            let is_picture = self.is_inside(input);
            inputs.push(if is_picture { self.made(input, part, body, ink)? } else { input.clone() });
        }
        Ok(ink.again(n, inputs, n.attribute.clone()))
    }

    /// Scale and shift of a group norm, which all blocks have in common.
    fn affine(&mut self, value: &str, norm: &Norm<'_>, ink: &mut Ink) -> Result<[String; 2], Reason> {
        if let Some(known) = self.affines.get(value) {
            return Ok(known.clone());
        }
        let (Some(statistics), Some(blocks)) = (self.statistics.get(norm.input), self.blocks.get(norm.input)) else {
            return Err(format!("normalises `{}` before it is made", norm.input));
        };
        let affine = ink.outside(|ink| statistics.affine(ink, norm, blocks));
        self.affines.insert(value.to_owned(), affine.clone());
        Ok(affine)
    }

    fn convolved(&mut self, n: &NodeProto, part: Part, body: &mut Body, ink: &mut Ink) -> Result<String, Reason> {
        let reach = Reach::read(n).filter(|reach| part == Part::Block || !reach.is_wide());
        let reach = reach.ok_or_else(|| format!("takes rows around those that `{}` takes", node::label(n)))?;
        let source = first_input(n);
        if let Some(before) = self
            .sight
            .links
            .maker(source)
            .filter(|before| part == Part::Block && !self.blocks.contains_key(source) && doubled::fits(before, n))
        {
            let around = self.around(first_input(before), [true, true], body, ink)?;
            return Ok(doubled::convolve(ink, n, &around));
        }
        let [above, block, below] = self.around(source, [reach.above > 0, reach.below > 0], body, ink)?;
        let parts: Vec<&str> = [&above, &block, &below].into_iter().flatten().map(String::as_str).collect();
        let input = match parts.as_slice() {
            [only] => (*only).to_owned(),
            parts => ink.concat(parts, 2),
        };
        let [left, right] = reach.sides;
        let inputs = std::iter::once(input).chain(n.input.iter().skip(1).cloned()).collect();
        let attributes = attributes_with(n, HashMap::from([("pads", pads([0, left, 0, right]))]));
        Ok(ink.again(n, inputs, attributes))
    }

    /// A block with the rows above and below it, as far as they are wanted; zeros beyond the picture's edge.
    fn around(
        &mut self,
        value: &str,
        [above, below]: [bool; 2],
        body: &mut Body,
        ink: &mut Ink,
    ) -> Result<[Option<String>; 3], Reason> {
        let above = if above { Some(self.beyond(value, Part::Above, body, ink)?) } else { None };
        let below = if below { Some(self.beyond(value, Part::Below, body, ink)?) } else { None };
        let block = self.made(value, Part::Block, body, ink)?;
        Ok([above, Some(block), below])
    }

    /// The row beyond one edge of the block.
    fn beyond(&mut self, value: &str, part: Part, body: &mut Body, ink: &mut Ink) -> Result<String, Reason> {
        let row = self.made(value, part, body, ink)?;
        let there = if part == Part::Above { &self.frame.has_above } else { &self.frame.has_below };
        let there = body.part_of(ink, there);
        Ok(ink.node("Mul", &[&row, &there]))
    }
}

fn first_input(n: &NodeProto) -> &str {
    n.input.first().map_or("", String::as_str)
}

/// A part of a kept value.
fn kept(frame: &Frame, blocks: &str, part: Part, body: &mut Body, ink: &mut Ink) -> String {
    let [start, end] = match part {
        Part::Block => return body.part_of(ink, blocks),
        Part::Above => &frame.above,
        Part::Below => &frame.below,
    };
    let (start, end) = (body.part_of(ink, start), body.part_of(ink, end));
    let (axes, first) = (ink.ints(&[0, 3]), ink.ints(&[0]));
    let row = ink.node("Slice", &[blocks, &start, &end, &axes]);
    ink.node("Squeeze", &[&row, &first])
}
