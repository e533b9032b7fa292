//! Values that are not to be used before others are known.
//!
//! ONNX has no edges for order alone, and ONNX Runtime runs what it likes first and merges nodes that are equal. A
//! `Reshape` whose shape is a constant plus nothing times a number that is known late does neither work nor change, but
//! is not known before and equals nothing else.

use cones_onnx::info::{self, Shape};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{NodeProto, TensorProto, ValueInfoProto};
use cones_onnx::{node, tensor};

/// Writes gates that open at one moment. Names begin with `prefix`, which nothing else has.
#[derive(Debug)]
pub(super) struct Gate {
    prefix: String,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) initializers: Vec<TensorProto>,
    /// ONNX Runtime cannot infer the shapes behind a gate, and plans memory better when it knows them.
    pub(super) infos: Vec<ValueInfoProto>,
}

impl Gate {
    /// Gates that open once all of `triggers` are known.
    pub(super) fn new(prefix: &str, triggers: &[&str]) -> Self {
        let mut gate = Self { prefix: prefix.to_owned(), nodes: vec![], initializers: vec![], infos: vec![] };
        let (flat, start) = (gate.constant("flat", &[-1]), gate.constant("start", &[0]));
        let (end, zero) = (gate.constant("end", &[1]), gate.constant("zero", &[0]));
        let mut total: Option<String> = None;
        for (at, trigger) in triggers.iter().enumerate() {
            let (row, first, whole) = (gate.name("row", at), gate.name("first", at), gate.name("whole", at));
            gate.nodes.push(node::new("Reshape", &[trigger, &flat], &row));
            gate.nodes.push(node::new("Slice", &[&row, &start, &end], &first));
            gate.nodes.push(node::cast(&first, &whole, DataType::Int64 as i32));
            total = Some(match total {
                None => whole,
                Some(total) => {
                    let sum = gate.name("sum", at);
                    gate.nodes.push(node::new("Add", &[&total, &whole], &sum));
                    sum
                }
            });
        }
        let nothing = format!("{prefix}.nothing");
        gate.nodes.push(node::new("Mul", &[total.as_deref().unwrap_or(&zero), &zero], &nothing));
        gate
    }

    /// The value itself, behind the gate.
    pub(super) fn pass(&mut self, value: &str, shape: &Shape) -> String {
        let dims: Vec<i64> = shape.dims.iter().map(|size| *size as i64).collect();
        let constant = self.constant(&format!("shape.{value}"), &dims);
        let (sum, behind) = (format!("{}.shape_after.{value}", self.prefix), format!("{}.after.{value}", self.prefix));
        self.nodes.push(node::new("Add", &[&constant, &format!("{}.nothing", self.prefix)], &sum));
        self.nodes.push(node::new("Reshape", &[value, &sum], &behind));
        self.infos.push(info::tensor(&behind, shape));
        behind
    }

    fn name(&self, part: &str, at: usize) -> String {
        format!("{}.{part}_{at}", self.prefix)
    }

    fn constant(&mut self, part: &str, values: &[i64]) -> String {
        let name = format!("{}.{part}", self.prefix);
        self.initializers.push(tensor::int64s(&name, &[values.len() as i64], values));
        name
    }
}
