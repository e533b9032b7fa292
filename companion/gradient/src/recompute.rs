//! Less memory for more work: inner values of the forward pass are dropped and computed again when the backward pass
//! comes to them.
//!
//! The forward pass is cut into segments. What crosses a cut is kept; what a segment's derivative reads besides is made
//! again, by the segment's own nodes under new names, just before that derivative. What the copies read goes through a
//! [`Gate`] that opens when the gradient has come back that far, so that they are neither run early nor merged with the
//! originals.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use cones_onnx::info::Shape;
use cones_onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use cones_onnx::{element, names, node};

use crate::constants::constants;
use crate::gate::Gate;
use crate::shapes::Shapes;

/// How fine the search for good cuts is: this many sizes of segments are tried.
const TRIALS: u32 = 24;

/// Rewrites a differentiated graph whose first `forward` nodes are the forward pass. Returns the number of segments that
/// are computed again; 0 where that would save nothing.
pub(super) fn recompute(graph: &mut GraphProto, forward: usize, shapes: &Shapes) -> usize {
    let plan = Pass::new(graph, forward, shapes);
    let Some(cuts) = plan.best_cuts() else { return 0 };
    let copies = plan.copies(&cuts);
    let backward = graph.node.split_off(forward);
    let flowing = flowing(graph, &backward);
    let constants = constants(graph).into_iter().map(str::to_owned).collect();
    let mut writer = Writer {
        shapes,
        flowing,
        constants,
        prefix: names::free(graph, "again"),
        initializers: Vec::new(),
        infos: Vec::new(),
    };
    let rewritten = writer.rewrite(&graph.node, backward, &copies);
    graph.node.extend(rewritten);
    graph.initializer.extend(writer.initializers);
    graph.value_info.extend(writer.infos);
    copies.len()
}

/// What is known of the forward pass.
struct Pass<'a> {
    nodes: &'a [NodeProto],
    /// Which node makes a value. Weights and inputs are made by none.
    makers: HashMap<&'a str, usize>,
    /// The last forward node that reads a value.
    last_reader: HashMap<&'a str, usize>,
    /// Values that the backward pass reads.
    wanted: HashSet<&'a str>,
    /// Bytes of a value; 0 for constants and for views of others.
    bytes: HashMap<&'a str, usize>,
}

/// One segment to be computed again.
struct Copy {
    /// Forward nodes, in order.
    nodes: Vec<usize>,
    /// The values of theirs that the backward pass reads.
    wanted: HashSet<String>,
}

impl<'a> Pass<'a> {
    fn new(graph: &'a GraphProto, forward: usize, shapes: &Shapes) -> Self {
        let (nodes, backward) = graph.node.split_at(forward.min(graph.node.len()));
        // Weights in another type are weights: they are made once, when the graph is loaded.
        let constants = constants(graph);
        let (mut makers, mut last_reader, mut bytes) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (at, n) in nodes.iter().enumerate() {
            for read in node::reads(n) {
                last_reader.insert(read, at);
            }
            for output in n.output.iter().map(String::as_str).filter(|output| !constants.contains(output)) {
                makers.insert(output, at);
                let is_free = node::is_view(n) || shapes.is_constant(output);
                bytes.insert(output, if is_free { 0 } else { shapes.get(output).map_or(0, Shape::bytes) });
            }
        }
        let made = |name: &&str| makers.contains_key(name);
        let wanted: HashSet<&str> = backward.iter().flat_map(node::reads).filter(made).collect();
        for n in nodes.iter().filter(|n| node::is_view(n)) {
            // A view holds what it is a view of, where that would not be kept for itself.
            if let (Some(read), Some(view)) = (n.input.first(), n.output.first())
                && !wanted.contains(read.as_str())
                && let Some(held) = bytes.get(read.as_str()).copied()
                && let Some(own) = bytes.get_mut(view.as_str())
            {
                *own = held;
            }
        }
        Self { nodes, makers, last_reader, wanted, bytes }
    }

    /// Cuts before these nodes, such that what is held at most is least; `None` where nothing is saved.
    fn best_cuts(&self) -> Option<Vec<usize>> {
        let all: usize = self.wanted.iter().filter_map(|name| self.bytes.get(name)).sum();
        let without = self.peak(&[]);
        let trials = (1..=TRIALS).map(|parts| self.cuts(all / (parts as usize + 1)));
        let best = trials.map(|cuts| (self.peak(&cuts), cuts)).min_by_key(|(peak, cuts)| (*peak, cuts.len()))?;
        (best.0 < without).then_some(best.1)
    }

    /// Cuts that leave at most about `budget` bytes of wanted values between them, where little crosses.
    fn cuts(&self, budget: usize) -> Vec<usize> {
        let crossing = self.crossing();
        let mut cuts = Vec::new();
        let (mut start, mut held) = (0, 0usize);
        for (at, n) in self.nodes.iter().enumerate() {
            held += n
                .output
                .iter()
                .filter(|output| self.wanted.contains(output.as_str()))
                .map(|o| self.size(o))
                .sum::<usize>();
            if held < budget.max(1) {
                continue;
            }
            // The best place of the later half of the segment; never its beginning, so that it gets somewhere.
            let from = start + (at - start) / 2 + 1;
            let Some(cut) = (from..=at).min_by_key(|place| crossing.get(*place).copied().unwrap_or(usize::MAX)) else {
                continue;
            };
            cuts.push(cut);
            let after = self.nodes.iter().take(at + 1).skip(cut).flat_map(|n| &n.output);
            held = after.filter(|output| self.wanted.contains(output.as_str())).map(|o| self.size(o)).sum();
            start = cut;
        }
        cuts
    }

    /// Bytes that are made before each node and read by it or after it.
    fn crossing(&self) -> Vec<usize> {
        let mut change = vec![0i64; self.nodes.len() + 1];
        for (value, at) in &self.makers {
            let bytes = self.size(value) as i64;
            let last = self.last_reader.get(value).copied().unwrap_or(*at);
            if let Some(place) = change.get_mut(at + 1) {
                *place += bytes;
            }
            if let Some(place) = change.get_mut(last + 1) {
                *place -= bytes;
            }
        }
        let mut held = 0i64;
        change
            .iter()
            .map(|change| {
                held += change;
                usize::try_from(held).unwrap_or(0)
            })
            .collect()
    }

    /// Bytes held when the backward pass begins a segment, at most: what was kept, and the segment's own values.
    fn peak(&self, cuts: &[usize]) -> usize {
        let kept = self.kept(cuts);
        let total: usize = kept.iter().map(|name| self.size(name)).sum();
        let own = |segment: Range<usize>| -> usize {
            let made = self.nodes.get(segment).unwrap_or_default().iter().flat_map(|n| &n.output).map(String::as_str);
            made.filter(|name| self.wanted.contains(name) && !kept.contains(name)).map(|name| self.size(name)).sum()
        };
        total + self.segments(cuts).into_iter().map(own).max().unwrap_or(0)
    }

    /// Values that cross a cut.
    fn kept(&self, cuts: &[usize]) -> HashSet<&'a str> {
        let crosses = |(value, at): (&&'a str, &usize)| {
            let last = self.last_reader.get(*value).copied().unwrap_or(*at);
            cuts.iter().any(|cut| at < cut && *cut <= last).then_some(*value)
        };
        self.makers.iter().filter_map(crosses).collect()
    }

    fn segments(&self, cuts: &[usize]) -> Vec<Range<usize>> {
        let starts = [0].into_iter().chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([self.nodes.len()]);
        starts.zip(ends).map(|(start, end)| start..end).collect()
    }

    /// What is computed again, last segment first. The last one itself is not: its derivative comes at once.
    fn copies(&self, cuts: &[usize]) -> Vec<Copy> {
        let kept = self.kept(cuts);
        let mut copies = Vec::new();
        for segment in self.segments(cuts).into_iter().rev().skip(1) {
            let own = |name: &str| self.makers.get(name).is_some_and(|at| segment.contains(at)) && !kept.contains(name);
            let wanted: HashSet<String> =
                self.wanted.iter().filter(|name| own(name)).map(|name| (*name).to_owned()).collect();
            let mut needed: BTreeSet<usize> = BTreeSet::new();
            let mut open: Vec<&str> = wanted.iter().map(String::as_str).collect();
            while let Some(name) = open.pop() {
                let Some(at) = self.makers.get(name).filter(|_| own(name)) else { continue };
                if needed.insert(*at) {
                    open.extend(self.nodes.get(*at).map(node::reads).unwrap_or_default());
                }
            }
            if !needed.is_empty() {
                copies.push(Copy { nodes: needed.into_iter().collect(), wanted });
            }
        }
        copies
    }

    fn size(&self, value: &str) -> usize {
        self.bytes.get(value).copied().unwrap_or(0)
    }
}

/// Writes the copies and lets the backward pass read them.
struct Writer<'a> {
    shapes: &'a Shapes,
    /// What the gradient at the graph's output changes.
    flowing: HashSet<String>,
    constants: HashSet<String>,
    prefix: String,
    initializers: Vec<TensorProto>,
    infos: Vec<ValueInfoProto>,
}

impl Writer<'_> {
    fn rewrite(&mut self, forward: &[NodeProto], backward: Vec<NodeProto>, copies: &[Copy]) -> Vec<NodeProto> {
        let mut inserted: HashMap<usize, Vec<NodeProto>> = HashMap::new();
        let mut renamed: HashMap<String, String> = HashMap::new();
        for (number, copy) in copies.iter().enumerate() {
            let reads = |n: &NodeProto| node::reads(n).into_iter().any(|read| copy.wanted.contains(read));
            let Some(first) = backward.iter().position(reads) else { continue };
            let last = backward.iter().rposition(reads).unwrap_or(first);
            let Some(trigger) = self.trigger(&backward, first, last) else { continue };
            let prefix = format!("{}.{number}", self.prefix);
            let (nodes, names) = self.copy(forward, copy, &prefix, &trigger);
            inserted.entry(first).or_default().extend(nodes);
            renamed.extend(names.into_iter().filter(|(name, _)| copy.wanted.contains(name)));
        }
        let mut result = Vec::new();
        for (at, mut n) in backward.into_iter().enumerate() {
            result.extend(inserted.remove(&at).unwrap_or_default());
            for input in &mut n.input {
                if let Some(name) = renamed.get(input) {
                    *input = name.clone();
                }
            }
            result.push(n);
        }
        result
    }

    /// The nodes of a segment under new names, behind a gate, and those names.
    fn copy(
        &mut self,
        forward: &[NodeProto],
        copy: &Copy,
        prefix: &str,
        trigger: &str,
    ) -> (Vec<NodeProto>, HashMap<String, String>) {
        let originals: Vec<&NodeProto> = copy.nodes.iter().filter_map(|at| forward.get(*at)).collect();
        let outputs = originals.iter().flat_map(|n| &n.output).filter(|output| !output.is_empty());
        let made: HashMap<String, String> = outputs.map(|name| (name.clone(), format!("{prefix}.{name}"))).collect();
        let mut gate = Gate::new(&format!("{prefix}.gate"), &[trigger]);
        let mut renamed = made.clone();
        let mut nodes = Vec::new();
        for original in originals {
            for input in &original.input {
                if !renamed.contains_key(input)
                    && let Some(shape) = self.shapes.get(input).filter(|shape| self.is_gated(input, shape))
                {
                    renamed.insert(input.clone(), gate.pass(input, shape));
                }
            }
            let mut n = original.clone();
            n.name = Some(format!("{prefix}.{}", node::label(original)));
            for name in n.input.iter_mut().chain(&mut n.output) {
                if let Some(new) = renamed.get(name) {
                    *name = new.clone();
                }
            }
            nodes.push(n);
        }
        self.initializers.extend(gate.initializers);
        self.infos.extend(gate.infos);
        gate.nodes.extend(nodes);
        (gate.nodes, made)
    }

    /// Weights and shapes need no gate.
    fn is_gated(&self, name: &str, shape: &Shape) -> bool {
        let is_constant = self.shapes.is_constant(name) || self.constants.contains(name);
        !name.is_empty() && element::is_float(shape.element) && !is_constant
    }

    /// The gradient that was made last of those that a part of the backward pass reads from before. What is made of the
    /// forward pass alone, as slopes are, is no gradient: ONNX Runtime makes it early, and the gate would open then.
    fn trigger(&self, backward: &[NodeProto], first: usize, last: usize) -> Option<String> {
        let earlier = backward.iter().take(first).enumerate();
        let flowing = |output: &&String| self.flowing.contains(output.as_str());
        let earlier: HashMap<&str, usize> = earlier
            .flat_map(|(at, n)| n.output.iter().filter(flowing).map(move |output| (output.as_str(), at)))
            .collect();
        let part = backward.get(first..=last)?;
        let read = part.iter().flat_map(node::reads).filter_map(|name| Some((*earlier.get(name)?, name)));
        read.max().map(|(_, name)| name.to_owned())
    }
}

/// The values of the backward pass that depend on what the objective added to the inputs, which the forward pass does
/// not read.
fn flowing(forward: &GraphProto, backward: &[NodeProto]) -> HashSet<String> {
    let read: HashSet<&str> = forward.node.iter().flat_map(node::reads).collect();
    let added = forward.input.iter().map(|input| input.name()).filter(|name| !read.contains(name));
    let mut flowing: HashSet<String> = added.map(str::to_owned).collect();
    for n in backward {
        if node::reads(n).into_iter().any(|name| flowing.contains(name)) {
            flowing.extend(n.output.iter().cloned());
        }
    }
    flowing
}
