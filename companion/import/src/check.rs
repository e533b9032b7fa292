//! The last step: does ONNX Runtime load what was written, and has it the right inputs and outputs?

use std::path::Path;

use cones_core::model::bundle::skipped_state;
use cones_core::runtime::raw;
use cones_onnx::proto::tensor_proto::DataType;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, TensorElementType, ValueType};

use crate::error::{Error, Result};
use crate::interface::Interface;

/// Loads a graph of the new bundle and compares its inputs and output with what the runtime will ask for.
/// `layers` are inputs besides those of `interface`, all float32.
///
/// # Errors
/// When ONNX Runtime refuses the graph, or a name or type differs.
pub fn graph(file: &Path, interface: &Interface, layers: &[&str]) -> Result<()> {
    let environment = raw::environment()?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let stage = format!("loading the new `{name}`");
    let session = Session::builder(&environment)
        .map_err(raw::failed(stage.clone()))?
        // Only to be looked at: optimising it would take time and memory.
        .with_optimization_level(GraphOptimizationLevel::Disable)
        .map_err(raw::failed(stage.clone()))?
        .with_intra_threads(1)
        .map_err(raw::failed(stage.clone()))?
        .commit_from_file(file)
        .map_err(raw::failed(stage))?;
    let ports = interface.inputs.iter().map(|port| (port.name, port.element));
    let text = super::projection::TEXT;
    let split = ports.filter(|(name, _)| layers.is_empty() || *name != text);
    let expected: Vec<(&str, DataType)> = split.chain(layers.iter().map(|name| (*name, DataType::Float))).collect();
    compare(file, "inputs", session.inputs(), &expected)?;
    let mut outputs: Vec<_> = interface.outputs().map(|port| (port.name.to_owned(), port.element)).collect();
    // A text encoder may have further ones, in this order.
    let skipped = (1..).map(skipped_state).take(session.outputs().len().saturating_sub(outputs.len()));
    if interface.is_text() {
        outputs.extend(skipped.map(|name| (name, interface.output.element)));
    }
    let outputs: Vec<(&str, DataType)> = outputs.iter().map(|(name, element)| (name.as_str(), *element)).collect();
    compare(file, "outputs", session.outputs(), &outputs)
}

fn compare(file: &Path, which: &str, found: &[Outlet], expected: &[(&str, DataType)]) -> Result<()> {
    let element = |data_type: DataType| match data_type {
        DataType::Int64 => TensorElementType::Int64,
        _ => TensorElementType::Float32,
    };
    let is_as_expected = |outlet: &Outlet, (name, data_type): &(&str, DataType)| {
        let kind = match outlet.dtype() {
            ValueType::Tensor { ty, .. } => *ty == element(*data_type),
            _ => false,
        };
        outlet.name() == *name && kind
    };
    if found.len() == expected.len() && found.iter().zip(expected).all(|(outlet, port)| is_as_expected(outlet, port)) {
        return Ok(());
    }
    let found: Vec<String> = found.iter().map(|outlet| format!("{}: {:?}", outlet.name(), outlet.dtype())).collect();
    let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    Err(Error::interface(file, format!("its {which} are [{}], expected are {names:?}", found.join(", "))))
}
