//! What the rules write on: nodes of the derivative, in the order in which they are to run.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use cones_onnx::info::{self, Shape};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use cones_onnx::{attribute, element, graph, node, tensor};

use crate::blocks::Blocks;
use crate::error::{Error, Result};
use crate::shapes::Shapes;

/// The domain of `FusedMatMul`, which multiplies transposed matrices without transposing them first.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// How two matrices are multiplied: either may be transposed, and the product is scaled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    pub(super) left: bool,
    pub(super) right: bool,
    pub(super) scale: f64,
}

impl Default for Product {
    fn default() -> Self {
        Self { left: false, right: false, scale: 1.0 }
    }
}

/// The derivative of a graph, being written.
#[derive(Debug)]
pub(super) struct Tape {
    file: PathBuf,
    opset: i64,
    pub(super) shapes: Shapes,
    /// How attention's scores are cut.
    pub(super) blocks: Option<Blocks>,
    /// Whether convolutions may have a second, turned copy of their weights.
    pub(super) turned_weights: bool,
    /// Values that the inputs in question change, and that numbers of real kind flow through.
    active: HashSet<String>,
    /// What has come back to each value so far.
    gradients: HashMap<String, Vec<String>>,
    /// Names that are taken.
    names: HashSet<String>,
    counter: usize,
    constants: HashMap<(i32, Vec<usize>, Vec<u8>), String>,
    pub(super) nodes: Vec<NodeProto>,
    /// What takes the place of forward nodes, by their first output.
    pub(super) replacements: HashMap<String, Vec<NodeProto>>,
    pub(super) initializers: Vec<TensorProto>,
}

impl Tape {
    /// A tape for a graph whose values have these shapes, with derivatives for `active` values.
    pub(super) fn new(file: &Path, opset: i64, graph: &GraphProto, shapes: Shapes, active: HashSet<String>) -> Self {
        Self {
            file: file.to_path_buf(),
            opset,
            shapes,
            blocks: None,
            turned_weights: false,
            active,
            gradients: HashMap::new(),
            names: graph::names(graph),
            counter: 0,
            constants: HashMap::new(),
            nodes: Vec::new(),
            replacements: HashMap::new(),
            initializers: Vec::new(),
        }
    }

    /// The graph's file, for messages.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether the value's gradient is wanted.
    pub(super) fn is_active(&self, value: &str) -> bool {
        self.active.contains(value)
    }

    /// Type and shape of a value of the graph.
    ///
    /// # Errors
    /// When ONNX Runtime could not tell them.
    pub(super) fn shape(&self, value: &str) -> Result<Shape> {
        let unknown = || Error::NoShape { file: self.file.clone(), value: value.to_owned() };
        self.shapes.get(value).cloned().ok_or_else(unknown)
    }

    /// The dimensions of a value of the graph.
    pub(super) fn dims(&self, value: &str) -> Result<Vec<usize>> {
        Ok(self.shape(value)?.dims)
    }

    /// Adds to a value's gradient; nothing happens where none is wanted.
    pub(super) fn add_gradient(&mut self, value: &str, gradient: String) {
        if self.is_active(value) {
            self.gradients.entry(value.to_owned()).or_default().push(gradient);
        }
    }

    /// Adds to the gradient of an operand that was broadcast from its own shape to `from`.
    pub(super) fn give_broadcast(&mut self, value: &str, gradient: String, from: &[usize]) -> Result<()> {
        if self.is_active(value) {
            let to = self.dims(value)?;
            let gradient = self.unbroadcast(gradient, from, &to);
            self.add_gradient(value, gradient);
        }
        Ok(())
    }

    /// The whole gradient of a value, once nothing adds to it any more.
    pub(super) fn take(&mut self, value: &str) -> Option<String> {
        let parts = self.gradients.remove(value)?;
        let mut parts = parts.into_iter();
        let first = parts.next()?;
        Some(parts.fold(first, |sum, part| self.node("Add", &[&sum, &part])))
    }

    /// Which node of the derivative makes a value, by its place.
    pub(super) fn maker(&self, value: &str) -> Option<usize> {
        self.nodes.iter().position(|n| n.output.iter().any(|output| output == value))
    }

    /// The gradient of a value that nothing came back to.
    pub(super) fn zeros(&mut self, value: &str) -> Result<String> {
        let shape = self.shape(value)?;
        let (zero, dims) = (self.scalar(0.0, shape.element), self.sizes(&shape.dims));
        Ok(self.node("Expand", &[&zero, &dims]))
    }

    /// A name that nothing has.
    pub(super) fn fresh(&mut self, about: &str) -> String {
        loop {
            let name = format!("gradient.{}.{about}", self.counter);
            self.counter += 1;
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }

    /// Writes a node of the standard operators and returns its output.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str]) -> String {
        self.node_with(op, inputs, vec![])
    }

    /// Writes a node with attributes, and names its output.
    pub(super) fn node_with(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = self.fresh(op);
        self.node_named(op, inputs, attributes, &output);
        output
    }

    /// Writes a node of the `com.microsoft` operators.
    pub(super) fn microsoft(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>, output: &str) {
        let domain = Some(MICROSOFT.to_owned());
        self.nodes.push(NodeProto { attribute: attributes, domain, ..node::new(op, inputs, output) });
    }

    /// Writes a node with attributes whose output has a name that [`Tape::reserve`] gave.
    pub(super) fn node_named(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>, output: &str) {
        self.nodes.push(NodeProto { attribute: attributes, ..node::new(op, inputs, output) });
    }

    /// Takes a name for what callers will ask for by it.
    ///
    /// # Errors
    /// When the graph has a value of that name.
    pub(super) fn reserve(&mut self, name: &str) -> Result<String> {
        if self.names.insert(name.to_owned()) {
            return Ok(name.to_owned());
        }
        Err(Error::value(&self.file, name, "is in the graph already, and that name is wanted for the derivative"))
    }

    /// Writes nodes that take the place of the forward node that makes `output`, so that it leaves behind what its
    /// derivative needs. They must make `output` too.
    pub(super) fn replace<T>(&mut self, output: &str, write: impl FnOnce(&mut Self) -> T) -> T {
        let (result, nodes) = self.set_aside(write);
        self.replacements.insert(output.to_owned(), nodes);
        result
    }

    /// Writes nodes that are to stand elsewhere than behind those written so far.
    fn set_aside<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> (T, Vec<NodeProto>) {
        let behind = std::mem::take(&mut self.nodes);
        let result = write(self);
        (result, std::mem::replace(&mut self.nodes, behind))
    }

    /// Writes the body of a [`Tape::scan`]: what `write` writes, which takes `inputs` and returns values of the given
    /// shapes. It may read what stands outside.
    pub(super) fn body(
        &mut self,
        inputs: &[(&str, &Shape)],
        write: impl FnOnce(&mut Self) -> Vec<(String, Shape)>,
    ) -> GraphProto {
        let (outputs, node) = self.set_aside(write);
        GraphProto {
            name: Some(self.fresh("body")),
            node,
            input: inputs.iter().map(|(name, shape)| info::tensor(name, shape)).collect(),
            output: outputs.iter().map(|(name, shape)| info::tensor(name, shape)).collect(),
            ..GraphProto::default()
        }
    }

    /// Runs a body once for each part of `sequences`, which are cut along their first axis. The body takes the `states`
    /// and a part of each sequence; it gives the states for the next part, and parts of the outputs. Returns the last
    /// states, then the outputs.
    pub(super) fn scan(&mut self, states: &[&str], sequences: &[&str], body: GraphProto) -> Vec<String> {
        let outputs: Vec<String> = body.output.iter().map(|_| self.fresh("Scan")).collect();
        let inputs: Vec<&str> = states.iter().chain(sequences).copied().collect();
        let attributes =
            vec![attribute::int("num_scan_inputs", sequences.len() as i64), attribute::graph("body", body)];
        let first = outputs.first().map_or("", String::as_str);
        let node = NodeProto { attribute: attributes, output: outputs.clone(), ..node::new("Scan", &inputs, first) };
        self.nodes.push(node);
        outputs
    }

    /// A number of the given element type.
    pub(super) fn scalar(&mut self, value: f64, element: i32) -> String {
        self.numbers(&[value], &[], element)
    }

    /// Numbers of the given element type, one of the floating-point ones.
    pub(super) fn numbers(&mut self, values: &[f64], dims: &[usize], element: i32) -> String {
        self.constant(element, dims, element::from_f64(values, element))
    }

    /// Whole numbers, as shapes and axes are.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(DataType::Int64 as i32, &[values.len()], bytes)
    }

    /// Sizes, as whole numbers.
    pub(super) fn sizes(&mut self, values: &[usize]) -> String {
        let values: Vec<i64> = values.iter().map(|value| *value as i64).collect();
        self.ints(&values)
    }

    fn constant(&mut self, element: i32, dims: &[usize], bytes: Vec<u8>) -> String {
        let key = (element, dims.to_vec(), bytes);
        if let Some(name) = self.constants.get(&key) {
            return name.clone();
        }
        let name = self.fresh("constant");
        let dims = key.1.iter().map(|size| *size as i64).collect::<Vec<_>>();
        self.initializers.push(tensor::raw(&name, element, &dims, key.2.clone()));
        self.constants.insert(key, name.clone());
        name
    }

    /// The value in another shape of as many elements.
    pub(super) fn reshape(&mut self, value: &str, dims: &[usize]) -> String {
        let shape = self.sizes(dims);
        self.node("Reshape", &[value, &shape])
    }

    /// The value with its axes in another order: axis `i` of the result is axis `order[i]`.
    pub(super) fn transpose(&mut self, value: &str, order: &[usize]) -> String {
        let order: Vec<i64> = order.iter().map(|axis| *axis as i64).collect();
        self.node_with("Transpose", &[value], vec![attribute::ints("perm", &order)])
    }

    /// One axis from the start of a range to before its end.
    pub(super) fn cut(&mut self, value: &str, axis: usize, range: &Range<usize>) -> String {
        let (start, end, axis) = (self.sizes(&[range.start]), self.sizes(&[range.end]), self.sizes(&[axis]));
        self.node("Slice", &[value, &start, &end, &axis])
    }

    /// Sums over axes.
    pub(super) fn sum(&mut self, value: &str, axes: &[usize], keep: bool) -> String {
        let axes = self.sizes(axes);
        self.node_with("ReduceSum", &[value, &axes], vec![attribute::int("keepdims", i64::from(keep))])
    }

    /// Means over axes, which stay with size one.
    pub(super) fn mean(&mut self, value: &str, axes: &[usize]) -> String {
        let keep = attribute::int("keepdims", 1);
        if self.opset >= 18 {
            let axes = self.sizes(axes);
            return self.node_with("ReduceMean", &[value, &axes], vec![keep]);
        }
        let axes: Vec<i64> = axes.iter().map(|axis| *axis as i64).collect();
        self.node_with("ReduceMean", &[value], vec![attribute::ints("axes", &axes), keep])
    }

    /// The value times a number.
    pub(super) fn scaled(&mut self, value: &str, factor: f64, element: i32) -> String {
        let factor = self.scalar(factor, element);
        self.node("Mul", &[value, &factor])
    }

    /// The product of two (stacks of) matrices of `rank` dimensions each.
    pub(super) fn product(&mut self, left: (&str, usize), right: (&str, usize), how: Product, element: i32) -> String {
        // The fused kernel exists in float32 (everywhere) and float16 (CUDA).
        if element == DataType::Double as i32 {
            let left = if how.left { self.swapped(left) } else { left.0.to_owned() };
            let right = if how.right { self.swapped(right) } else { right.0.to_owned() };
            let product = self.node("MatMul", &[&left, &right]);
            return if how.scale == 1.0 { product } else { self.scaled(&product, how.scale, element) };
        }
        if !how.left && !how.right && how.scale == 1.0 {
            return self.node("MatMul", &[left.0, right.0]);
        }
        let attributes = vec![
            attribute::float("alpha", how.scale as f32),
            attribute::int("transA", i64::from(how.left)),
            attribute::int("transB", i64::from(how.right)),
        ];
        let output = self.fresh("FusedMatMul");
        self.microsoft("FusedMatMul", &[left.0, right.0], attributes, &output);
        output
    }

    /// Matrices with rows and columns exchanged.
    fn swapped(&mut self, (value, rank): (&str, usize)) -> String {
        let mut order: Vec<usize> = (0..rank).collect();
        if let [.., row, column] = order.as_mut_slice() {
            std::mem::swap(row, column);
        }
        self.transpose(value, &order)
    }

    /// Undoes broadcasting: sums over what was repeated.
    pub(super) fn unbroadcast(&mut self, gradient: String, from: &[usize], to: &[usize]) -> String {
        if from == to {
            return gradient;
        }
        let added = from.len().saturating_sub(to.len());
        let repeated = |(axis, size): (usize, &usize)| {
            (axis < added || (to.get(axis - added) == Some(&1) && *size != 1)).then_some(axis)
        };
        let axes: Vec<usize> = from.iter().enumerate().filter_map(repeated).collect();
        let summed = if axes.is_empty() { gradient } else { self.sum(&gradient, &axes, true) };
        if added == 0 { summed } else { self.reshape(&summed, to) }
    }
}
