//! Running a graph in either type of number.

use std::path::Path;

use cones_onnx::Model;
use cones_onnx::proto::ModelProto;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::source::Source;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Tensor, TensorElementType};

/// A graph that was never in a file.
pub(crate) fn model(proto: ModelProto, folder: &Path) -> Model {
    Model { proto, source: Source::new(&folder.join("case.onnx")) }
}

/// Loads a graph as derivatives are loaded: with everything that ONNX Runtime does to a graph.
pub(crate) fn load(model: &Model) -> Result<Session, String> {
    model.save(model.file()).expect("a saved graph");
    let environment = cones_core::runtime::raw::environment().expect("ONNX Runtime (`cargo xtask setup`)");
    let builder = Session::builder(&environment).and_then(|b| Ok(b.with_intra_threads(1)?));
    let builder = builder.and_then(|b| Ok(b.with_optimization_level(GraphOptimizationLevel::All)?));
    let mut builder = builder.expect("a session builder");
    builder.commit_from_file(model.file()).map_err(|error| error.to_string())
}

/// An input of the element type its declaration has.
pub(crate) fn input(session: &Session, name: &str, dims: &[usize], values: &[f64]) -> SessionInputValue<'static> {
    let declared = session.inputs().iter().find(|input| input.name() == name).expect("an input of that name");
    if declared.dtype().tensor_type() == Some(TensorElementType::Float64) {
        Tensor::from_array((dims.to_vec(), values.to_vec())).expect("a tensor").into()
    } else {
        let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        Tensor::from_array((dims.to_vec(), values)).expect("a tensor").into()
    }
}

/// An output's dimensions and numbers.
pub(crate) fn output(value: &DynValue) -> (Vec<usize>, Vec<f64>) {
    let dims = |shape: &[i64]| shape.iter().map(|size| *size as usize).collect();
    if let Ok((shape, values)) = value.try_extract_tensor::<f64>() {
        return (dims(shape), values.to_vec());
    }
    let (shape, values) = value.try_extract_tensor::<f32>().expect("numbers");
    (dims(shape), values.iter().copied().map(f64::from).collect())
}

/// The type's name, for messages.
pub(crate) fn label(element: DataType) -> &'static str {
    if element == DataType::Double { "float64" } else { "float32" }
}
