//! Frozen weights that stay in their file.
//!
//! With little memory, large weights are [overridable](cones_onnx::overridable): they lie in the bundle's file, mapped, in the
//! type they are stored in, and what is computed from them alone (a cast to float32) is computed in every run. Held from the
//! forward pass to the backward pass it would be a second model in memory, so each node has a copy of its own, made when it
//! is its turn: behind a [`Gate`] that opens with what the node reads besides.

use std::collections::{BTreeSet, HashMap, HashSet};

use cones_onnx::error::Result;
use cones_onnx::info::Shape;
use cones_onnx::proto::{GraphProto, NodeProto};
use cones_onnx::source::Source;
use cones_onnx::{names, node, overridable};

use crate::constants::constants;
use crate::gate::Gate;

/// The weights that stay in their file, with their shapes.
pub(super) fn large(graph: &GraphProto, source: &Source) -> Result<HashMap<String, Shape>> {
    let mut large = HashMap::new();
    for weight in &graph.initializer {
        if overridable::is_large(source, weight)? {
            large.insert(weight.name().to_owned(), overridable::shape(weight));
        }
    }
    Ok(large)
}

/// Gives every reader of what is made of large weights alone a copy of its own. The first one keeps the original.
pub(super) fn make_anew(graph: &mut GraphProto, source: &Source) -> Result<()> {
    let large = large(graph, source)?;
    let constants: HashSet<String> = constants(graph).into_iter().map(str::to_owned).collect();
    let originals = graph.node.clone();
    let chains = Chains::of(&originals, &large, &constants);
    let anew = names::free(graph, "anew");
    let mut read = HashSet::new();
    let mut count = 0;
    for mut n in std::mem::take(&mut graph.node) {
        if !n.output.iter().any(|output| chains.makers.contains_key(output.as_str())) {
            let trigger = n.input.iter().find(|input| !input.is_empty() && !constants.contains(*input)).cloned();
            for input in &mut n.input {
                let is_again = chains.makers.contains_key(input.as_str()) && !read.insert(input.clone());
                if let (true, Some(trigger)) = (is_again, &trigger) {
                    let prefix = format!("{anew}.{count}");
                    let mut gate = Gate::new(&format!("{prefix}.gate"), &[trigger]);
                    let nodes = chains.copy(input, &prefix, &mut gate);
                    *input = format!("{prefix}.{input}");
                    count += 1;
                    graph.node.extend(gate.nodes);
                    graph.node.extend(nodes);
                    graph.initializer.extend(gate.initializers);
                    graph.value_info.extend(gate.infos);
                }
            }
        }
        graph.node.push(n);
    }
    Ok(())
}

/// The nodes that make something of large weights and other constants alone.
struct Chains<'a> {
    nodes: &'a [NodeProto],
    large: &'a HashMap<String, Shape>,
    /// Which node makes a value.
    makers: HashMap<&'a str, usize>,
}

impl<'a> Chains<'a> {
    fn of(nodes: &'a [NodeProto], large: &'a HashMap<String, Shape>, constants: &HashSet<String>) -> Self {
        let mut makers: HashMap<&str, usize> = HashMap::new();
        for (at, n) in nodes.iter().enumerate() {
            let is_constant = n.output.iter().all(|output| constants.contains(output));
            let is_of_large = |read: &&str| large.contains_key(*read) || makers.contains_key(*read);
            if is_constant && node::reads(n).iter().any(is_of_large) {
                makers.extend(n.output.iter().map(|output| (output.as_str(), at)));
            }
        }
        Self { nodes, large, makers }
    }

    /// What makes a value, once more: every name behind `prefix`, every large weight behind the gate.
    fn copy(&self, value: &str, prefix: &str, gate: &mut Gate) -> Vec<NodeProto> {
        let mut needed = BTreeSet::new();
        let mut open = vec![value];
        while let Some(name) = open.pop() {
            let Some(at) = self.makers.get(name) else { continue };
            if needed.insert(*at) {
                open.extend(self.nodes.get(*at).map(node::reads).unwrap_or_default());
            }
        }
        let mut passed: HashMap<String, String> = HashMap::new();
        let copied = |n: &NodeProto| {
            let mut n = n.clone();
            n.name = Some(format!("{prefix}.{}", node::label(&n)));
            for input in &mut n.input {
                if let Some(shape) = self.large.get(input) {
                    let behind = passed.entry(input.clone()).or_insert_with(|| gate.pass(input, shape));
                    *input = behind.clone();
                } else if self.makers.contains_key(input.as_str()) {
                    *input = format!("{prefix}.{input}");
                }
            }
            for output in &mut n.output {
                *output = format!("{prefix}.{output}");
            }
            n
        };
        needed.into_iter().filter_map(|at| self.nodes.get(at)).map(copied).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use cones_onnx::info;
    use cones_onnx::proto::TensorProto;
    use cones_onnx::proto::tensor_proto::{DataLocation, DataType};

    fn weight(name: &str, rows: i64) -> TensorProto {
        TensorProto {
            name: Some(name.into()),
            dims: vec![rows, 256],
            data_type: Some(DataType::Float16 as i32),
            data_location: Some(DataLocation::External as i32),
            ..TensorProto::default()
        }
    }

    #[test]
    fn later_readers_get_a_cast_of_their_own_behind_what_they_read() -> Result<()> {
        let float = DataType::Float as i32;
        let mut graph = GraphProto {
            input: vec![info::tensor("x", &Shape { element: float, dims: vec![2, 256] })],
            initializer: vec![weight("large.half", 256), weight("small.half", 2)],
            node: vec![
                node::cast("large.half", "large", float),
                node::cast("small.half", "small", float),
                node::new("MatMul", &["x", "large"], "y"),
                node::new("Add", &["y", "small"], "z"),
                node::new("Mul", &["z", "small"], "dy"),
                node::new("MatMul", &["dy", "large"], "dx"),
            ],
            output: vec![info::untyped("dx")],
            ..GraphProto::default()
        };
        make_anew(&mut graph, &Source::new(Path::new("x.onnx")))?;
        let of = |output: &str| graph.node.iter().find(|n| n.output.iter().any(|name| name == output));
        let inputs = |output: &str| of(output).map(|n| n.input.clone()).unwrap_or_default();
        assert_eq!(inputs("y"), ["x", "large"], "the first reader keeps the original");
        assert_eq!(inputs("dy"), ["z", "small"], "small weights are folded");
        assert_eq!(inputs("dx"), ["dy", "anew.0.large"]);
        let half = inputs("anew.0.large");
        assert_eq!(half, ["anew.0.gate.after.large.half"]);
        assert_eq!(inputs(&half[0])[0], "large.half");
        assert!(graph.node.iter().any(|n| n.input.iter().any(|input| input == "dy") && n.op_type() == "Reshape"));
        Ok(())
    }
}
