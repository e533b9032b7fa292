//! Running an imported U-Net as the runtime does, and PyTorch's result to compare with.

use std::fs;
use std::path::Path;

use cones_core::{Bundle, CancelToken, Engine, EngineOptions, Generated, Request};
use cones_onnx::element;
use cones_onnx::proto::tensor_proto::DataType;
use ort::session::{Session, SessionInputValue};
use ort::value::Tensor;
use safetensors::{Dtype, SafeTensors};

use crate::fixture::{fixtures, manifest};

/// A tensor of a safetensors file.
pub(crate) struct Values {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

/// Reads one tensor.
pub(crate) fn tensor(file: &Path, name: &str) -> Values {
    let bytes = fs::read(file).expect("a safetensors file");
    let tensors = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let view = tensors.tensor(name).expect("a tensor of that name");
    let kind = match view.dtype() {
        Dtype::F16 => DataType::Float16,
        Dtype::F32 => DataType::Float,
        other => panic!("{name} is of {other}"),
    };
    let data = element::to_f32(view.data(), kind as i32, usize::MAX).expect("numbers");
    Values { shape: view.shape().to_vec(), data }
}

pub(crate) fn golden(name: &str) -> Values {
    tensor(&fixtures().join("golden.safetensors"), name)
}

/// `text` [batch, tokens, columns] times the transposed weight [rows, columns].
fn project(text: &Values, weight: &Values) -> Vec<f32> {
    let columns = weight.shape[1];
    let rows = |token: &[f32]| -> Vec<f32> {
        weight.data.chunks(columns).map(|row| row.iter().zip(token).map(|(w, c)| w * c).sum()).collect()
    };
    text.data.chunks(columns).flat_map(rows).collect()
}

/// Runs a graph of the bundle on the golden inputs, with K and V computed from `attention.safetensors`.
pub(crate) fn unet(bundle: &Path, graph: &str) -> Vec<f32> {
    unet_at(bundle, graph, golden("timestep"))
}

/// The same at other timesteps.
pub(crate) fn unet_at(bundle: &Path, graph: &str, timestep: Values) -> Vec<f32> {
    let environment = cones_core::runtime::raw::environment().expect("ONNX Runtime (`cargo xtask setup`)");
    let mut builder = Session::builder(&environment).expect("a session builder");
    let mut session = builder.commit_from_file(bundle.join(graph)).expect("a graph that loads");
    let input = |values: Values| -> SessionInputValue<'static> {
        Tensor::from_array((values.shape, values.data)).expect("a tensor").into()
    };
    let text = golden("encoder_hidden_states");
    let mut inputs = vec![("sample".to_owned(), input(golden("sample"))), ("timestep".to_owned(), input(timestep))];
    for layer in manifest(bundle).layers {
        let weight = tensor(&bundle.join("attention.safetensors"), &layer.name);
        let shape = vec![text.shape[0], text.shape[1], layer.rows as usize];
        inputs.push((layer.name, input(Values { shape, data: project(&text, &weight) })));
    }
    let outputs = session.run(inputs).expect("a run");
    outputs["out_sample"].try_extract_tensor::<f32>().expect("floats").1.to_vec()
}

/// Largest difference between the bundle's graph and PyTorch.
pub(crate) fn distance_from_pytorch(bundle: &Path, graph: &str) -> f32 {
    distance(&unet(bundle, graph), &golden("out_sample").data)
}

/// Largest difference between two lists of numbers.
pub(crate) fn distance(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// What a graph of one input and one output gives for numbers that neither repeat nor are symmetric.
pub(crate) fn alone(file: &Path, shape: [usize; 4]) -> Vec<f32> {
    let environment = cones_core::runtime::raw::environment().expect("ONNX Runtime (`cargo xtask setup`)");
    let mut builder = Session::builder(&environment).expect("a session builder");
    let mut session = builder.commit_from_file(file).expect("a graph that loads");
    let values: Vec<f32> =
        (0..shape.iter().product()).map(|at: usize| (at * 7919 % 10_007) as f32 / 5_003.5 - 1.0).collect();
    let name = session.inputs()[0].name().to_owned();
    let input = Tensor::from_array((shape.to_vec(), values)).expect("a tensor");
    let outputs = session.run(ort::inputs![name => input]).expect("a run");
    outputs[0].try_extract_tensor::<f32>().expect("floats").1.to_vec()
}

/// A picture of an imported bundle, drawn in a few steps.
pub(crate) fn draw(bundle: &Path, change: impl FnOnce(Request) -> Request) -> cones_core::Result<Generated> {
    let mut engine = Engine::new(Bundle::open(bundle)?, EngineOptions::default())?;
    let request = change(Request::new("a dog on grass").with_seed(3).with_steps(4));
    engine.generate(&request, &mut (), &CancelToken::new())
}
