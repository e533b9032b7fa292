//! Which part of a graph goes in blocks, and which of its values are kept as a whole.

use std::collections::{BTreeSet, HashMap, HashSet};

use cones_onnx::node;
use cones_onnx::proto::NodeProto;

use crate::rows::levels::{BINARY, Reach, UNARY, is_any};
use crate::rows::norm::Norm;
use crate::rows::parts::Reason;
use crate::rows::sight::Sight;

/// How many resolutions go in blocks, from the largest on: those below take a sixteenth of the memory and less.
const LEVELS: i32 = 2;
/// A VAE has some hundreds of nodes there. Blocks are written by recursion along them, which must end before the stack does.
const MOST_NODES: usize = 2000;

/// The part of a graph that goes in blocks.
#[derive(Debug)]
pub(super) struct Region<'a> {
    /// Positions of its nodes, those inside group norms left out.
    pub(super) nodes: BTreeSet<usize>,
    /// Positions of nodes inside its group norms.
    pub(super) absorbed: HashSet<usize>,
    /// The one picture that goes in.
    pub(super) input: &'a str,
    /// Pictures that are read outside.
    pub(super) outputs: HashSet<&'a str>,
    /// Values of which all blocks are there at once; each is made by a pass of its own.
    pub(super) kept: HashSet<&'a str>,
    /// Kept values that are normalised.
    pub(super) normed: HashSet<&'a str>,
    /// Levels of the input over the lowest level that is cut.
    pub(super) depth: u32,
}

impl<'a> Region<'a> {
    /// Finds the part of the largest resolutions.
    ///
    /// # Errors
    /// When it holds nodes of which no blocks can be made, or has more than one way in.
    pub(super) fn find(
        sight: &Sight<'a>,
        norms: &HashMap<&'a str, Norm<'a>>,
        levels: &HashMap<&'a str, i32>,
    ) -> Result<Self, Reason> {
        let top = levels.values().copied().max().unwrap_or(0);
        let lowest = levels.values().copied().min().unwrap_or(0);
        if top - lowest < LEVELS {
            return Err(format!("has {} resolutions, too few to be worth it", top - lowest + 1));
        }
        let is_large = |value: &str| levels.get(value).is_some_and(|level| top - level < LEVELS);
        let inner: HashSet<usize> = norms.values().flat_map(|norm| norm.inner.iter().copied()).collect();
        let mut nodes = BTreeSet::new();
        let mut absorbed = HashSet::new();
        for (at, n) in sight.graph.node.iter().enumerate() {
            let touches = n.input.iter().chain(&n.output).any(|value| is_large(value));
            // The shape of a picture that is not cut serves nodes outside.
            if touches && !inner.contains(&at) && !node::has_op(n, "Shape") {
                nodes.insert(at);
                absorbed.extend(
                    n.output.iter().filter_map(|output| norms.get(output.as_str())).flat_map(|norm| &norm.inner),
                );
            }
        }
        let mut region = Self {
            nodes,
            absorbed,
            input: "",
            outputs: HashSet::new(),
            kept: HashSet::new(),
            normed: HashSet::new(),
            depth: 0,
        };
        region.look_over(sight, norms, levels)?;
        region.keep(sight, norms, levels)?;
        Ok(region)
    }

    /// Finds the ways in and out, and checks every node.
    fn look_over(
        &mut self,
        sight: &Sight<'a>,
        norms: &HashMap<&'a str, Norm<'a>>,
        levels: &HashMap<&'a str, i32>,
    ) -> Result<(), Reason> {
        if self.nodes.len() > MOST_NODES {
            return Err(format!("has {} nodes in its largest resolutions, more than {MOST_NODES}", self.nodes.len()));
        }
        let mut inputs: HashSet<&'a str> = HashSet::new();
        let mut low = i32::MAX;
        for at in &self.nodes {
            let n = &sight.graph.node[*at];
            let pictures = operands(n, norms, levels);
            check(sight, n, norms, levels)?;
            for value in &pictures {
                if sight.links.maker_at(value).is_some_and(|maker| maker >= *at) {
                    return Err(format!("reads `{value}` before it is made"));
                }
                low = low.min(levels[value]);
                if sight.links.maker_at(value).is_none_or(|maker| !self.nodes.contains(&maker)) {
                    inputs.insert(value);
                }
            }
            for output in n.output.iter().map(String::as_str) {
                low = low.min(levels.get(output).copied().unwrap_or(low));
                let is_outside = |reader: &usize| !self.nodes.contains(reader) && !self.absorbed.contains(reader);
                if sight.links.is_output(output) || sight.links.readers(output).iter().any(is_outside) {
                    self.outputs.insert(output);
                }
            }
        }
        let mut inputs = inputs.into_iter();
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err("has more than one way into its largest resolutions".into());
        };
        self.input = input;
        self.depth = u32::try_from(levels[input] - low).unwrap_or(0);
        Ok(())
    }

    /// Decides what is kept: what goes out, what is normalised, and what a convolution takes the neighbours' rows of, where
    /// these could not be made from a row alone.
    fn keep(
        &mut self,
        sight: &Sight<'a>,
        norms: &HashMap<&'a str, Norm<'a>>,
        levels: &HashMap<&'a str, i32>,
    ) -> Result<(), Reason> {
        self.kept.insert(self.input);
        self.kept.extend(&self.outputs);
        let results = self.nodes.iter().filter_map(|at| sight.graph.node[*at].output.first());
        self.normed = results.filter_map(|output| norms.get(output.as_str())).map(|norm| norm.input).collect();
        self.kept.extend(&self.normed);
        if self.normed.contains(self.input) {
            return Err("normalises what goes into its largest resolutions first".into());
        }
        let wide: Vec<usize> = self.nodes.iter().copied().filter(|at| is_wide(&sight.graph.node[*at])).collect();
        for at in wide {
            let Some(mut value) = sight.graph.node[at].input.first().map(String::as_str) else { continue };
            if !self.reaches(sight, norms, levels, value) {
                continue;
            }
            // As far up as one value alone leads down, and before it grows.
            while let Some(n) =
                self.maker(sight, norms, value).filter(|n| is_any(n, &UNARY) || node::has_op(n, "Resize"))
            {
                value = n.input.first().map_or(value, String::as_str);
            }
            self.kept.insert(value);
        }
        Ok(())
    }

    /// The node to make a value's block by, if it is neither kept nor normalised.
    fn maker(&self, sight: &Sight<'a>, norms: &HashMap<&'a str, Norm<'a>>, value: &str) -> Option<&'a NodeProto> {
        if self.kept.contains(value) || norms.contains_key(value) { None } else { sight.links.maker(value) }
    }

    /// Whether making a row of a value takes rows around it.
    fn reaches(
        &self,
        sight: &Sight<'a>,
        norms: &HashMap<&'a str, Norm<'a>>,
        levels: &HashMap<&'a str, i32>,
        value: &'a str,
    ) -> bool {
        let Some(n) = self.maker(sight, norms, value) else { return false };
        is_wide(n) || operands(n, norms, levels).into_iter().any(|operand| self.reaches(sight, norms, levels, operand))
    }
}

/// The pictures that a node takes; of a group norm, what it normalises.
fn operands<'a>(n: &'a NodeProto, norms: &HashMap<&'a str, Norm<'a>>, levels: &HashMap<&'a str, i32>) -> Vec<&'a str> {
    match n.output.first().and_then(|output| norms.get(output.as_str())) {
        Some(norm) => vec![norm.input],
        None => n.input.iter().map(String::as_str).filter(|value| levels.contains_key(value)).collect(),
    }
}

fn is_wide(n: &NodeProto) -> bool {
    node::has_op(n, "Conv") && Reach::read(n).is_some_and(Reach::is_wide)
}

/// Whether a block of a node's result can be made from blocks of what it takes.
fn check<'a>(
    sight: &Sight<'a>,
    n: &'a NodeProto,
    norms: &HashMap<&'a str, Norm<'a>>,
    levels: &HashMap<&'a str, i32>,
) -> Result<(), Reason> {
    let fault = |what: &str| Err(format!("holds the node `{}` ({}), which {what}", node::label(n), n.op_type()));
    let [output] = n.output.as_slice() else { return fault("gives more than one result") };
    if norms.contains_key(output.as_str()) || is_any(n, &UNARY) {
        return Ok(());
    }
    if is_any(n, &BINARY) {
        let level = levels.get(output.as_str());
        let fits = |value: &String| match levels.get(value.as_str()) {
            Some(own) => Some(own) == level,
            None => is_same_in_all_rows(sight, value),
        };
        return if n.input.iter().all(fits) { Ok(()) } else { fault("joins what is not cut alike") };
    }
    if node::has_op(n, "Conv") {
        let weights = n.input.get(1..).unwrap_or(&[]);
        if weights.iter().any(|weight| levels.contains_key(weight.as_str())) {
            return fault("takes its weights from a picture");
        }
        if weights.iter().any(|weight| sight.is_other_than_float(weight)) {
            return fault("has weights that are not in float32");
        }
        return match Reach::read(n) {
            Some(reach) if reach.above <= 1 && reach.below <= 1 => Ok(()),
            _ => fault("takes more rows than the next ones above and below, or gives another number of rows"),
        };
    }
    // Its level is known, so it doubles.
    if node::has_op(n, "Resize") && levels.contains_key(output.as_str()) {
        return Ok(());
    }
    fault("cannot be done in blocks of rows")
}

/// Whether it is a constant that all rows have in common.
fn is_same_in_all_rows(sight: &Sight<'_>, value: &str) -> bool {
    let rows = sight.constant(value).map(|tensor| tensor.dims.iter().rev().nth(1).copied().unwrap_or(1));
    rows == Some(1)
}
