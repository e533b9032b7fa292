//! The graph of fixed ranges: is it of the form that ONNX Runtime, QNN and NNAPI fuse?

use std::collections::{HashMap, HashSet};
use std::path::Path;

use cones_core::model::bundle::{UNET, UNET_PLAIN};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto, TensorProto};
use cones_onnx::{Model, node};

use crate::setup::form;

/// A graph, to be asked what makes and what reads a value.
struct Asked<'a> {
    model: &'a Model,
    graph: &'a GraphProto,
    constants: HashMap<&'a str, &'a TensorProto>,
    makers: HashMap<&'a str, &'a NodeProto>,
}

impl<'a> Asked<'a> {
    fn new(model: &'a Model) -> Self {
        let graph = model.graph().expect("a graph");
        let constants = graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect();
        let makers = graph.node.iter().flat_map(|n| n.output.iter().map(move |o| (o.as_str(), n))).collect();
        Self { model, graph, constants, makers }
    }

    fn constant(&self, name: &str) -> &'a TensorProto {
        self.constants.get(name).unwrap_or_else(|| panic!("`{name}` is no constant"))
    }

    fn values(&self, name: &str) -> Vec<f32> {
        self.model.source.values(self.constant(name)).expect("numbers")
    }

    fn is_of(&self, name: &str, kind: DataType) -> bool {
        self.constant(name).data_type == Some(kind as i32)
    }

    /// The node that dequantises a value, if that is what makes it.
    fn dequantiser(&self, name: &str) -> Option<&'a NodeProto> {
        self.makers.get(name).copied().filter(|n| node::has_op(n, "DequantizeLinear"))
    }

    /// Scale and zero point of a DequantizeLinear of an activation, whose QuantizeLinear has the same.
    fn check_activation(&self, dequantiser: &NodeProto) {
        let quantiser = self.makers[dequantiser.input[0].as_str()];
        assert!(node::has_op(quantiser, "QuantizeLinear"), "{}", node::label(dequantiser));
        assert_eq!(quantiser.input[1..], dequantiser.input[1..], "one scale and zero point");
        assert!(
            self.is_of(&dequantiser.input[1], DataType::Float) && self.is_of(&dequantiser.input[2], DataType::Uint8)
        );
        let scale = self.values(&dequantiser.input[1]);
        assert!(scale.len() == 1 && scale[0] > 0.0 && scale[0].is_finite(), "per tensor");
        assert!(self.constant(&dequantiser.input[1]).dims.is_empty(), "a scalar");
    }

    /// A layer in whole numbers: everything it reads and gives.
    fn check_layer(&self, n: &NodeProto, weight: &NodeProto) {
        let label = node::label(n);
        assert!(self.is_of(&weight.input[0], DataType::Int8), "{label}: int8 weights that are constants");
        assert!(self.values(&weight.input[2]).iter().all(|zero| *zero == 0.0), "{label}: symmetric");
        let dims = &self.constant(&weight.input[0]).dims;
        let axis = usize::try_from(node::int(weight, "axis").expect("an axis")).expect("from the front");
        let channels = usize::try_from(dims[axis]).expect("a size");
        let scales = self.values(&weight.input[1]);
        assert_eq!(scales.len(), channels, "{label}: a scale for each channel");
        let is_first = node::has_op(n, "Conv") || node::int(n, "transB") == Some(1);
        assert_eq!(axis, usize::from(!is_first), "{label}: along the outputs");
        let largest = self.values(&weight.input[0]).iter().fold(0.0f32, |most, v| most.max(v.abs()));
        assert_eq!(largest, 127.0, "{label}: the whole range is used, and -128 is not");

        let read = self.dequantiser(&n.input[0]).unwrap_or_else(|| panic!("{label} reads what was not quantised"));
        self.check_activation(read);
        if let Some(bias) = n.input.get(2) {
            let bias = self.dequantiser(bias).unwrap_or_else(|| panic!("{label} has a bias in floating point"));
            assert!(self.is_of(&bias.input[0], DataType::Int32), "{label}: int32 bias");
            let step = self.values(&read.input[1])[0];
            let expected: Vec<f32> = scales.iter().map(|scale| scale * step).collect();
            assert_eq!(self.values(&bias.input[1]), expected, "{label}: in steps of the product");
        }
        let readers: Vec<&NodeProto> =
            self.graph.node.iter().filter(|reader| node::reads(reader).contains(&n.output[0].as_str())).collect();
        assert!(
            matches!(readers[..], [one] if node::has_op(one, "QuantizeLinear")),
            "{label}: what it gives is quantised"
        );
        let given = &readers[0].output[0];
        let after = self.graph.node.iter().find(|n| node::has_op(n, "DequantizeLinear") && n.input[0] == *given);
        self.check_activation(after.expect("a DequantizeLinear"));
    }
}

fn check(file: &Path) -> usize {
    let model = Model::open(file).expect("a graph");
    let asked = Asked::new(&model);
    let mut quantised = 0;
    for n in asked.graph.node.iter().filter(|n| ["Conv", "MatMul", "Gemm"].iter().any(|op| node::has_op(n, op))) {
        let weight = n.input.get(1).and_then(|weight| asked.dequantiser(weight));
        if let Some(weight) = weight.filter(|weight| asked.constants.contains_key(weight.input[0].as_str())) {
            asked.check_layer(n, weight);
            quantised += 1;
        }
    }
    // A weight is not offered as an input: these providers take constants alone.
    let inputs: HashSet<&str> = asked.graph.input.iter().map(|input| input.name()).collect();
    assert!(asked.constants.keys().all(|name| !inputs.contains(name)));
    // Every value has one pair.
    let mut seen = HashSet::new();
    for n in asked.graph.node.iter().filter(|n| node::has_op(n, "QuantizeLinear")) {
        assert!(seen.insert(n.input[0].as_str()), "`{}` is quantised twice", n.input[0]);
    }
    quantised
}

#[test]
fn layers_read_and_give_uint8_with_int8_weights_and_int32_biases() {
    let folder = form("int8-static");
    let fused = check(&folder.join(UNET));
    let plain = check(&folder.join(UNET_PLAIN));
    println!("{fused} layers in whole numbers, {plain} in the plain graph");
    assert!(fused > 50, "most of the U-Net's layers");
    assert_eq!(fused, plain, "the plain graph has the same layers by other names");
}

#[test]
fn onnx_runtime_fuses_them_into_whole_number_kernels() {
    use ort::session::Session;
    use ort::session::builder::GraphOptimizationLevel;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let optimised = folder.path().join("optimised.onnx");
    let environment = cones_core::runtime::raw::environment().expect("ONNX Runtime (`cargo xtask setup`)");
    let mut builder = Session::builder(&environment)
        .expect("a builder")
        .with_optimization_level(GraphOptimizationLevel::Level2)
        .expect("a level")
        .with_optimized_model_path(&optimised)
        .expect("a path");
    builder.commit_from_file(form("int8-static").join(UNET)).expect("a graph that loads");
    let model = Model::open(&optimised).expect("what ONNX Runtime made of it");
    let count = |op: &str| model.graph().expect("a graph").node.iter().filter(|n| n.op_type() == op).count();
    let (convolutions, products) = (count("QLinearConv"), count("QLinearMatMul"));
    println!("{convolutions} QLinearConv, {products} QLinearMatMul");
    assert!(convolutions > 20 && products > 20);
}
