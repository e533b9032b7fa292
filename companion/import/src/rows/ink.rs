//! Writing nodes: fresh names, constants once each.

use std::collections::{HashMap, HashSet};

use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use cones_onnx::{attribute, element, graph, info, node, tensor};

/// Nodes being written, in the order in which they are to run.
#[derive(Debug)]
pub(super) struct Ink {
    opset: i64,
    names: HashSet<String>,
    counter: usize,
    constants: HashMap<(i32, Vec<i64>, Vec<u8>), String>,
    pub(super) nodes: Vec<NodeProto>,
    /// The graph's own nodes, while those of a body are written.
    outer: Vec<NodeProto>,
    pub(super) initializers: Vec<TensorProto>,
}

impl Ink {
    /// To write into `graph`, whose names are taken.
    pub(super) fn new(graph: &GraphProto, opset: i64) -> Self {
        let names = graph::names(graph);
        Self {
            opset,
            names,
            counter: 0,
            constants: HashMap::new(),
            nodes: Vec::new(),
            outer: Vec::new(),
            initializers: Vec::new(),
        }
    }

    /// A name that nothing has.
    pub(super) fn fresh(&mut self, about: &str) -> String {
        loop {
            let name = format!("rows.{}.{about}", self.counter);
            self.counter += 1;
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }

    /// Writes a node of the standard operators and returns its result.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str]) -> String {
        self.node_with(op, inputs, Vec::new())
    }

    /// Writes a node with attributes, and names its result.
    pub(super) fn node_with(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = self.fresh(op);
        self.node_named(op, inputs, attributes, &output);
        output
    }

    /// Writes a node with attributes whose result has a given name.
    pub(super) fn node_named(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>, output: &str) {
        self.nodes.push(NodeProto { attribute: attributes, ..node::new(op, inputs, output) });
    }

    /// A node of the graph once more, with other operands and another result.
    pub(super) fn again(&mut self, n: &NodeProto, inputs: Vec<String>, attributes: Vec<AttributeProto>) -> String {
        let output = self.fresh(n.op_type());
        let name = Some(format!("{output}/{}", n.op_type()));
        self.nodes.push(NodeProto {
            name,
            input: inputs,
            output: vec![output.clone()],
            attribute: attributes,
            ..n.clone()
        });
        output
    }

    /// Whole numbers in one dimension.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(DataType::Int64 as i32, vec![values.len() as i64], bytes)
    }

    /// A whole number of no dimension.
    pub(super) fn int(&mut self, value: i64) -> String {
        self.constant(DataType::Int64 as i32, Vec::new(), value.to_le_bytes().to_vec())
    }

    /// Real numbers.
    pub(super) fn floats(&mut self, values: &[f32], dims: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(DataType::Float as i32, dims.to_vec(), bytes)
    }

    fn constant(&mut self, kind: i32, dims: Vec<i64>, bytes: Vec<u8>) -> String {
        let key = (kind, dims, bytes);
        if let Some(name) = self.constants.get(&key) {
            return name.clone();
        }
        let name = self.fresh(&element::name(kind).to_lowercase());
        self.initializers.push(tensor::raw(&name, kind, &key.1, key.2.clone()));
        self.constants.insert(key, name.clone());
        name
    }

    /// The value in another shape; 0 keeps a dimension, -1 is what remains.
    pub(super) fn reshape(&mut self, value: &str, dims: &[i64]) -> String {
        let dims = self.ints(dims);
        self.node("Reshape", &[value, &dims])
    }

    /// Concatenates along an axis.
    pub(super) fn concat(&mut self, values: &[&str], axis: i64) -> String {
        self.node_with("Concat", values, vec![attribute::int("axis", axis)])
    }

    /// Sizes `from..to` of a value's shape, in one dimension.
    pub(super) fn sizes(&mut self, value: &str, from: i64, to: i64) -> String {
        self.node_with("Shape", &[value], vec![attribute::int("start", from), attribute::int("end", to)])
    }

    /// Constants of real numbers.
    pub(super) fn float_of(&mut self, value: &str) -> String {
        self.node_with("Cast", &[value], vec![attribute::int("to", i64::from(DataType::Float as i32))])
    }

    /// Reduces axes, which stay with size one.
    pub(super) fn reduce(&mut self, op: &str, value: &str, axes: &[i64]) -> String {
        let keep = attribute::int("keepdims", 1);
        if self.opset >= 18 {
            let axes = self.ints(axes);
            return self.node_with(op, &[value, &axes], vec![keep]);
        }
        self.node_with(op, &[value], vec![attribute::ints("axes", axes), keep])
    }

    /// Writes the nodes of a body.
    pub(super) fn body<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> (T, Vec<NodeProto>) {
        self.outer = std::mem::take(&mut self.nodes);
        let result = write(self);
        let outer = std::mem::take(&mut self.outer);
        (result, std::mem::replace(&mut self.nodes, outer))
    }

    /// Writes nodes before the one whose body is being written, so that they run once.
    pub(super) fn outside<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        std::mem::swap(&mut self.nodes, &mut self.outer);
        let result = write(self);
        std::mem::swap(&mut self.nodes, &mut self.outer);
        result
    }

    /// Runs `body` once for each part of `sequences`, pairs of a value outside and its name inside, which are cut along
    /// their first axis. `outputs` are pairs of a value inside and the name that all its parts together get outside.
    pub(super) fn scan(&mut self, sequences: &[(String, String)], body: Vec<NodeProto>, outputs: &[(String, String)]) {
        let graph = GraphProto {
            name: Some(self.fresh("body")),
            node: body,
            input: sequences.iter().map(|(_, inside)| info::untyped(inside)).collect(),
            output: outputs.iter().map(|(inside, _)| info::untyped(inside)).collect(),
            ..GraphProto::default()
        };
        let attributes =
            vec![attribute::int("num_scan_inputs", sequences.len() as i64), attribute::graph("body", graph)];
        let inputs: Vec<&str> = sequences.iter().map(|(outside, _)| outside.as_str()).collect();
        let first = outputs.first().map_or("", |(_, outside)| outside);
        let output = outputs.iter().map(|(_, outside)| outside.clone()).collect();
        self.nodes.push(NodeProto { attribute: attributes, output, ..node::new("Scan", &inputs, first) });
    }
}
