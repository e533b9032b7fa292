//! The shape of every value of a graph, from ONNX Runtime itself.
//!
//! ONNX Runtime is given the graph with its weights turned into inputs (so that none is read) and every value as an
//! output. Loading it at the basic optimisation level infers shapes and folds shape arithmetic; the graph it writes
//! back says every shape, and the numbers that were folded. Nothing is run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use cones_core::runtime::raw;
use cones_onnx::info::{self, Shape};
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, ModelProto, TensorProto};
use cones_onnx::source::Source;
use cones_onnx::{Model, element, graph, names, node, tensor};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use prost::Message;

use crate::error::{Error, Result};

/// Floating-point constants above this many elements are weights, which decide no shape.
const WEIGHT: u64 = 64;
/// Other constants above this many elements are weights too: quantised ones.
const TABLE: u64 = 4096;

/// What is known of the values of a graph.
#[derive(Debug, Default)]
pub struct Shapes {
    shapes: HashMap<String, Shape>,
    integers: HashMap<String, Vec<i64>>,
    constants: HashSet<String>,
}

impl Shapes {
    /// Finds the shapes of all values, once the graph's inputs have the dimensions given in `inputs`.
    ///
    /// # Errors
    /// When an input's size is free and not given, a given one does not fit, or ONNX Runtime refuses the graph.
    pub fn infer(model: &Model, inputs: &BTreeMap<String, Vec<usize>>) -> Result<Self> {
        let file = model.file();
        let mut proto = model.proto.clone();
        let mut found = Self::default();
        if let Some(graph) = proto.graph.as_mut() {
            graph::lift_constants(graph);
            fix_inputs(graph, inputs, file)?;
            for tensor in &graph.initializer {
                found.learn(tensor, &model.source)?;
            }
            make_probe(graph, &model.source)?;
        }
        let folder = tempfile::tempdir().map_err(cones_onnx::Error::io("create", &std::env::temp_dir()))?;
        found.read(&optimised(&proto, &folder.path().join("probe.onnx"), file)?)?;
        Ok(found)
    }

    /// The shapes of all values where the file itself says each, as one does that ONNX Runtime wrote with fixed inputs;
    /// `None` where it leaves one out.
    ///
    /// # Errors
    /// When the file holds no graph, or a constant is damaged.
    pub fn written(model: &Model) -> Result<Option<Self>> {
        let mut found = Self::default();
        found.read(model)?;
        let mut made = model.graph()?.node.iter().flat_map(|n| &n.output).filter(|name| !name.is_empty());
        Ok(made.all(|name| found.shapes.contains_key(name)).then_some(found))
    }

    /// Takes in what a file says of its values.
    fn read(&mut self, model: &Model) -> Result<()> {
        let graph = model.graph()?;
        for value in graph.input.iter().chain(&graph.output).chain(&graph.value_info) {
            if let Some(shape) = info::shape(value) {
                self.shapes.insert(value.name().to_owned(), shape);
            }
        }
        for tensor in &graph.initializer {
            self.learn(tensor, &model.source)?;
        }
        Ok(())
    }

    /// Type and shape of a value; `None` where it depends on values, not only on shapes.
    pub fn get(&self, name: &str) -> Option<&Shape> {
        self.shapes.get(name)
    }

    /// The numbers of a constant of whole numbers.
    pub fn integers(&self, name: &str) -> Option<&[i64]> {
        self.integers.get(name).map(Vec::as_slice)
    }

    /// Whether the value is the same in every run: an initializer, or folded from shapes.
    pub fn is_constant(&self, name: &str) -> bool {
        self.constants.contains(name)
    }

    /// Notes a value that was added to the graph.
    pub fn insert(&mut self, name: &str, shape: Shape) {
        self.shapes.insert(name.to_owned(), shape);
    }

    /// Notes a constant: its shape, and its values if they are whole numbers.
    fn learn(&mut self, tensor: &TensorProto, source: &Source) -> Result<()> {
        let name = tensor.name().to_owned();
        let count = tensor::count(source.file(), tensor)?;
        let element = tensor.data_type.unwrap_or_default();
        if element == DataType::Int64 as i32 && count <= TABLE {
            let bytes = source.bytes(tensor)?;
            let values = bytes.as_chunks::<8>().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect();
            self.integers.insert(name.clone(), values);
        }
        self.shapes.insert(name.clone(), declared(tensor));
        self.constants.insert(name);
        Ok(())
    }
}

/// Weights become inputs, every value an output.
fn make_probe(graph: &mut GraphProto, source: &Source) -> Result<()> {
    for tensor in std::mem::take(&mut graph.initializer) {
        let limit = if element::is_float(tensor.data_type.unwrap_or_default()) { WEIGHT } else { TABLE };
        if tensor::count(source.file(), &tensor)? <= limit {
            graph.initializer.push(brought_inside(tensor, source)?);
        } else {
            graph.input.push(info::tensor(tensor.name(), &declared(&tensor)));
        }
    }
    graph.value_info.clear();
    let made = graph.node.iter().flat_map(|n| &n.output).filter(|name| !name.is_empty());
    graph.output = made.map(|name| info::untyped(name)).collect();
    add_foldable(graph);
    Ok(())
}

/// ONNX Runtime writes a graph that it changed nothing in as it came, without a shape. Here is something to change.
fn add_foldable(graph: &mut GraphProto) {
    let (number, copy) = (names::free(graph, "foldable"), names::free(graph, "folded"));
    graph.initializer.push(tensor::int64s(&number, &[1], &[0]));
    graph.node.push(node::new("Neg", &[&number], &copy));
    graph.output.push(info::untyped(&copy));
}

fn declared(tensor: &TensorProto) -> Shape {
    let dims = tensor.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    Shape { element: tensor.data_type.unwrap_or_default(), dims }
}

fn brought_inside(tensor: TensorProto, source: &Source) -> Result<TensorProto> {
    if !tensor::is_external(&tensor) {
        return Ok(tensor);
    }
    let bytes = source.bytes(&tensor)?;
    let (name, dims, data_type) = (tensor.name, tensor.dims, tensor.data_type);
    Ok(TensorProto { name, dims, data_type, raw_data: Some(bytes), ..TensorProto::default() })
}

/// Gives the graph's inputs their fixed dimensions.
///
/// # Errors
/// When one is free and has none given, or the given ones do not fit.
pub(super) fn fix_inputs(graph: &mut GraphProto, inputs: &BTreeMap<String, Vec<usize>>, file: &Path) -> Result<()> {
    // Files of older IR versions list initializers as inputs.
    let initializers: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name()).collect();
    graph.input.retain(|input| !initializers.contains(input.name()));
    for input in &mut graph.input {
        match inputs.get(input.name()) {
            Some(dims) => {
                let declared = info::describe(input);
                if !info::fix(input, dims) {
                    let reason = format!("has shape {declared}, which {dims:?} does not fit");
                    return Err(Error::value(file, input.name(), reason));
                }
            }
            None if info::shape(input).is_some() => {}
            None => return Err(Error::value(file, input.name(), "is an input of free size, and no size was given")),
        }
    }
    Ok(())
}

/// What ONNX Runtime makes of the graph at the basic level, written to `path`.
fn optimised(probe: &ModelProto, path: &Path, file: &Path) -> Result<Model> {
    const STAGE: &str = "preparing a session";
    let environment = raw::environment()?;
    let mut builder = Session::builder(&environment)
        .map_err(raw::failed(STAGE))?
        .with_optimization_level(GraphOptimizationLevel::Level1)
        .map_err(raw::failed(STAGE))?
        .with_intra_threads(1)
        .map_err(raw::failed(STAGE))?
        .with_optimized_model_path(path)
        .map_err(raw::failed(STAGE))?;
    let stage = format!("finding the shapes in `{}`", file.display());
    builder.commit_from_memory(&probe.encode_to_vec()).map_err(raw::failed(stage))?;
    Ok(Model::open(path)?)
}
