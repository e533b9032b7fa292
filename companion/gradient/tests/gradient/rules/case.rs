//! One operator in a graph of its own, described in a few words.

use cones_onnx::info::{self, Shape};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto};
use cones_onnx::{attribute, element, node, tensor};

/// What is compared, in a graph's one output.
pub(crate) const OUTPUT: &str = "y";

/// The opset of a case that does not say: the newest that exporters write.
const NEWEST: i64 = 23;

/// Where numbers are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// Between -1.5 and 1.5.
    Any,
    /// Between 0.5 and 2, for roots and logarithms.
    Positive,
    /// Of either sign, and more than 0.5 from zero, where some functions have a kink.
    Apart,
}

/// Which type of number the differences are taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// float64, and the gradient both in float64 and in float32.
    Double,
    /// float32: ONNX Runtime's CPU provider has no kernel for float64. That it has none is checked.
    NoDouble,
    /// float32 by the nature of the operator.
    Single,
}

/// What one input holds.
#[derive(Debug, Clone)]
enum Content {
    /// Numbers that the gradient is taken with respect to.
    Wanted(Vec<usize>, Range),
    /// Numbers that are the same in every run.
    Fixed(Vec<usize>, Range),
    /// A given number.
    Number(f64),
    /// Whole numbers.
    Whole(Vec<usize>, Vec<i64>),
    /// Every third one is off.
    Switches(Vec<usize>),
    /// float32, whatever the others are.
    Scales(Vec<f32>),
}

/// A node of one operator, and what stands around it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The operator that is tested.
    pub(crate) op: &'static str,
    /// Which form of it.
    pub(crate) form: &'static str,
    pub(crate) opset: i64,
    /// The set that the operator is of; empty for the standard one.
    domain: &'static str,
    pub(crate) precision: Precision,
    /// How near float64 must come to the differences, of the largest gradient.
    pub(crate) exact: f64,
    inputs: Vec<(&'static str, Content)>,
    reads: Option<Vec<&'static str>>,
    outputs: Vec<&'static str>,
    attributes: Vec<AttributeProto>,
    before: Vec<NodeProto>,
    after: Vec<NodeProto>,
}

/// A case that reads its inputs in the order in which they are named.
pub(crate) fn case(op: &'static str, form: &'static str) -> Case {
    Case {
        op,
        form,
        opset: NEWEST,
        domain: "",
        precision: Precision::Double,
        exact: 1e-8,
        inputs: vec![],
        reads: None,
        outputs: vec![OUTPUT],
        attributes: vec![],
        before: vec![],
        after: vec![],
    }
}

impl Case {
    pub(crate) fn wanted(self, name: &'static str, dims: &[usize]) -> Self {
        self.wanted_in(Range::Any, name, dims)
    }

    pub(crate) fn wanted_in(self, range: Range, name: &'static str, dims: &[usize]) -> Self {
        self.input(name, Content::Wanted(dims.to_vec(), range))
    }

    pub(crate) fn fixed(self, name: &'static str, dims: &[usize]) -> Self {
        self.fixed_in(Range::Any, name, dims)
    }

    pub(crate) fn fixed_in(self, range: Range, name: &'static str, dims: &[usize]) -> Self {
        self.input(name, Content::Fixed(dims.to_vec(), range))
    }

    pub(crate) fn number(self, name: &'static str, value: f64) -> Self {
        self.input(name, Content::Number(value))
    }

    pub(crate) fn whole(self, name: &'static str, values: &[i64]) -> Self {
        self.input(name, Content::Whole(vec![values.len()], values.to_vec()))
    }

    /// Whole numbers in more or fewer dimensions than one.
    pub(crate) fn whole_shaped(self, name: &'static str, dims: &[usize], values: &[i64]) -> Self {
        self.input(name, Content::Whole(dims.to_vec(), values.to_vec()))
    }

    pub(crate) fn switches(self, name: &'static str, dims: &[usize]) -> Self {
        self.input(name, Content::Switches(dims.to_vec()))
    }

    pub(crate) fn scales(self, name: &'static str, values: &[f32]) -> Self {
        self.input(name, Content::Scales(values.to_vec()))
    }

    pub(crate) fn int(mut self, name: &str, value: i64) -> Self {
        self.attributes.push(attribute::int(name, value));
        self
    }

    pub(crate) fn ints(mut self, name: &str, values: &[i64]) -> Self {
        self.attributes.push(attribute::ints(name, values));
        self
    }

    pub(crate) fn float(mut self, name: &str, value: f32) -> Self {
        self.attributes.push(attribute::float(name, value));
        self
    }

    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        self.attributes.push(attribute::text(name, value));
        self
    }

    pub(crate) fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
        self
    }

    /// The operator is of ONNX Runtime's own set.
    pub(crate) fn microsoft(mut self) -> Self {
        self.domain = "com.microsoft";
        self
    }

    pub(crate) fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Comes only so near, even in float64.
    pub(crate) fn within(mut self, exact: f64) -> Self {
        self.exact = exact;
        self
    }

    /// What the node reads, where that is not every input in its order; an empty name leaves one out.
    pub(crate) fn reads(mut self, names: &[&'static str]) -> Self {
        self.reads = Some(names.to_vec());
        self
    }

    /// What the node gives, where later nodes make the graph's output.
    pub(crate) fn gives(mut self, names: &[&'static str]) -> Self {
        self.outputs = names.to_vec();
        self
    }

    pub(crate) fn before(mut self, op: &str, reads: &[&str], gives: &str) -> Self {
        self.before.push(node::new(op, reads, gives));
        self
    }

    pub(crate) fn after(mut self, op: &str, reads: &[&str], gives: &str, attributes: Vec<AttributeProto>) -> Self {
        self.after.push(NodeProto { attribute: attributes, ..node::new(op, reads, gives) });
        self
    }

    fn input(mut self, name: &'static str, content: Content) -> Self {
        self.inputs.push((name, content));
        self
    }

    pub(crate) fn name(&self) -> String {
        format!("{} ({})", self.op, self.form)
    }

    /// Names, dimensions and numbers of what the gradient is taken with respect to. float32 can hold the numbers.
    pub(crate) fn wanted_values(&self) -> Vec<(&'static str, Vec<usize>, Vec<f64>)> {
        let each = self.inputs.iter().zip(1..).filter_map(|((name, content), seed)| match content {
            Content::Wanted(dims, range) => Some((*name, dims.clone(), draw(dims.iter().product(), *range, seed))),
            _ => None,
        });
        each.collect()
    }

    /// The graph with numbers of this element type.
    pub(crate) fn model(&self, element: DataType) -> ModelProto {
        let mut graph = GraphProto { name: Some("case".into()), ..GraphProto::default() };
        for ((name, content), seed) in self.inputs.iter().zip(1..) {
            match content {
                Content::Wanted(dims, _) => {
                    graph.input.push(info::tensor(name, &Shape { element: element as i32, dims: dims.clone() }));
                }
                _ => graph.initializer.push(initializer(name, content, element, seed)),
            }
        }
        let every: Vec<&str> = self.inputs.iter().map(|(name, _)| *name).collect();
        let mut tested = node::new(self.op, self.reads.as_ref().unwrap_or(&every), OUTPUT);
        tested.output = self.outputs.iter().map(|name| (*name).to_owned()).collect();
        tested.attribute.clone_from(&self.attributes);
        tested.name = Some("tested".into());
        tested.domain = Some(self.domain.into());
        graph.node = self.before.iter().cloned().chain([tested]).chain(self.after.iter().cloned()).collect();
        graph.output.push(info::untyped(OUTPUT));
        let standard = OperatorSetIdProto { version: Some(self.opset), ..OperatorSetIdProto::default() };
        let microsoft = OperatorSetIdProto { domain: Some("com.microsoft".into()), version: Some(1) };
        let opset_import = vec![standard, microsoft];
        ModelProto { ir_version: Some(8), opset_import, graph: Some(graph), ..ModelProto::default() }
    }
}

fn initializer(name: &str, content: &Content, element: DataType, seed: u64) -> TensorProto {
    let real = |dims: &[usize], values: &[f64]| {
        tensor::raw(name, element as i32, &signed(dims), element::from_f64(values, element as i32))
    };
    match content {
        Content::Wanted(dims, range) | Content::Fixed(dims, range) => {
            real(dims, &draw(dims.iter().product(), *range, seed))
        }
        Content::Number(value) => real(&[], &[*value]),
        Content::Whole(dims, values) => tensor::int64s(name, &signed(dims), values),
        Content::Switches(dims) => {
            let switches = (0..dims.iter().product::<usize>()).map(|at| u8::from(at % 3 != 1)).collect();
            tensor::raw(name, DataType::Bool as i32, &signed(dims), switches)
        }
        Content::Scales(values) => {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensor::raw(name, DataType::Float as i32, &[values.len() as i64], bytes)
        }
    }
}

fn signed(dims: &[usize]) -> Vec<i64> {
    dims.iter().map(|size| *size as i64).collect()
}

/// Numbers that one seed always gives alike.
pub(crate) fn draw(count: usize, range: Range, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0xD134_2543_DE82_EF95);
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let number = |_| {
        let value = unit();
        let value = match range {
            Range::Any => 3.0 * value - 1.5,
            Range::Positive => 0.5 + 1.5 * value,
            Range::Apart if value < 0.5 => -0.6 - value,
            Range::Apart => 0.1 + value,
        };
        f64::from(value as f32)
    };
    (0..count).map(number).collect()
}
