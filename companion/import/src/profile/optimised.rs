//! A graph as ONNX Runtime runs it at one size.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use cones_core::runtime::raw;
use cones_gradient::shapes::Shapes;
use cones_onnx::info::{self, Shape};
use cones_onnx::proto::{GraphProto, ModelProto, TensorProto};
use cones_onnx::source::Source;
use cones_onnx::{Model, overridable, tensor};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use prost::Message;

use crate::error::Result;

/// A graph with the nodes that will run.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) model: Model,
    /// Inputs that are weights.
    pub(super) weights: Vec<String>,
}

/// What ONNX Runtime makes of a graph, and the shape of each of its values. `size` tells free dimensions by their names.
pub(super) fn at(model: &Model, size: impl Fn(&str) -> Option<usize>) -> Result<(Seen, Shapes)> {
    let mut proto = model.proto.clone();
    let mut weights = Vec::new();
    if let Some(graph) = proto.graph.as_mut() {
        cones_onnx::graph::lift_constants(graph);
        for input in &mut graph.input {
            if let Some(dims) = info::dims_with(input, &size) {
                info::fix(input, &dims);
            }
        }
        graph.value_info.clear();
        weights = set_aside(graph, &model.source)?;
    }
    let folder = tempfile::tempdir().map_err(cones_onnx::Error::io("create", &std::env::temp_dir()))?;
    let seen = written(&proto, &folder.path().join("seen.onnx"), model.file())?;
    // Asking anew takes as long as all of the above.
    let shapes = match Shapes::written(&seen)? {
        Some(shapes) => shapes,
        None => Shapes::infer(&seen, &BTreeMap::new())?,
    };
    Ok((Seen { model: seen, weights }, shapes))
}

/// Turns large weights into inputs and brings small ones inside. Returns the names of the large ones.
fn set_aside(graph: &mut GraphProto, source: &Source) -> Result<Vec<String>> {
    let inputs: HashSet<String> = graph.input.iter().map(|input| input.name().to_owned()).collect();
    let mut weights = Vec::new();
    for weight in std::mem::take(&mut graph.initializer) {
        if tensor::byte_len(source.file(), &weight)? < overridable::MIN_BYTES {
            let bytes = source.bytes(&weight)?;
            let (name, dims, data_type) = (weight.name, weight.dims, weight.data_type);
            let inside = TensorProto { name, dims, data_type, raw_data: Some(bytes), ..TensorProto::default() };
            graph.initializer.push(inside);
            continue;
        }
        let dims = weight.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
        let shape = Shape { element: weight.data_type.unwrap_or_default(), dims };
        if !inputs.contains(weight.name()) {
            graph.input.push(info::tensor(weight.name(), &shape));
        }
        weights.push(weight.name().to_owned());
    }
    Ok(weights)
}

/// The graph after the optimisations that a mapped load makes, written to `path` and read again.
fn written(proto: &ModelProto, path: &Path, file: &Path) -> Result<Model> {
    let stage = format!("counting what `{}` takes", file.display());
    let environment = raw::environment()?;
    let mut builder = Session::builder(&environment)
        .map_err(raw::failed(stage.clone()))?
        .with_optimization_level(GraphOptimizationLevel::Level2)
        .map_err(raw::failed(stage.clone()))?
        .with_intra_threads(1)
        .map_err(raw::failed(stage.clone()))?
        .with_log_level(ort::logging::LogLevel::Error)
        .map_err(raw::failed(stage.clone()))?
        .with_optimized_model_path(path)
        .map_err(raw::failed(stage.clone()))?;
    builder.commit_from_memory(&proto.encode_to_vec()).map_err(raw::failed(stage.clone()))?;
    Ok(Model::open(path)?)
}
