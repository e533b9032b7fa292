//! Canonical inputs and outputs: one set of names, element types and dimension names, whatever the exporter chose.

use std::borrow::Cow;
use std::path::Path;

use cones_core::model::bundle::{CONTEXT, ENCODER_ATTENTION_MASK, PENULTIMATE, TEXT_EMBEDS, TIME_IDS};
use cones_core::model::manifest::Manifest;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::tensor_shape_proto::{Dimension, dimension};
use cones_onnx::proto::{GraphProto, TensorShapeProto, ValueInfoProto, type_proto};
use cones_onnx::{Model, element, graph, names, node, tensor};

use crate::error::{Error, Result};
use crate::random;
use crate::timestep::{self, Timestep};

/// One input or output of a graph.
#[derive(Debug, Clone, Copy)]
pub struct Port {
    /// The name that an input or output has in a bundle.
    pub name: &'static str,
    /// The element type that it has in a bundle.
    pub element: DataType,
    /// Names of the dimensions that may be free.
    dims: &'static [&'static str],
}

/// What a graph takes and gives. Of the U-Net, `encoder_hidden_states` is an input of exports only.
#[derive(Debug)]
pub struct Interface {
    /// The inputs, in their order.
    pub inputs: Cow<'static, [Port]>,
    /// The first output.
    pub output: Port,
    /// Further outputs.
    pub further: &'static [Port],
}

impl Interface {
    /// Whether it is a text encoder's.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.inputs.first().is_some_and(|port| port.name == INPUT_IDS)
    }

    /// All outputs, in their order.
    pub fn outputs(&self) -> impl Iterator<Item = &Port> {
        std::iter::once(&self.output).chain(self.further)
    }
}

const fn float(name: &'static str, dims: &'static [&'static str]) -> Port {
    Port { name, element: DataType::Float, dims }
}

/// The opset that `Round` came with; a cast alone cuts off what is behind the point.
const ROUND_FROM: i64 = 11;
const PICTURE: &[&str] = &["batch", "channels", "height", "width"];

const INPUT_IDS: &str = "input_ids";
const IDS: &[Port] = &[Port { name: INPUT_IDS, element: DataType::Int64, dims: &["batch", "tokens"] }];
const HIDDEN: &[&str] = &["batch", "tokens", "hidden"];
const POOLED: &[Port] = &[float(TEXT_EMBEDS, &["batch"])];

/// `text_encoder.onnx`; of a model with two, as exported.
pub const TEXT_ENCODER: Interface =
    Interface { inputs: Cow::Borrowed(IDS), output: float("last_hidden_state", HIDDEN), further: &[] };

/// `text_encoder_2.onnx`, as exported.
pub const TEXT_ENCODER_2: Interface =
    Interface { inputs: Cow::Borrowed(IDS), output: float("last_hidden_state", HIDDEN), further: POOLED };

/// `text_encoder.onnx` of a bundle with two.
pub const FIRST_OF_TWO: Interface =
    Interface { inputs: Cow::Borrowed(IDS), output: float(PENULTIMATE, HIDDEN), further: &[] };

/// `text_encoder_2.onnx` of a bundle.
pub const SECOND_OF_TWO: Interface =
    Interface { inputs: Cow::Borrowed(IDS), output: float(PENULTIMATE, HIDDEN), further: POOLED };

pub(super) const SAMPLE: Port = float("sample", PICTURE);
const TIMESTEP: Port = float("timestep", &["batch"]);
const TEXT: Port = float(super::projection::TEXT, HIDDEN);
pub(super) const OUT: Port = float("out_sample", PICTURE);

/// The input that tells a U-Net of the guidance scale.
pub const GUIDANCE: &str = "timestep_cond";

/// What a U-Net takes beside a noisy latent, a timestep and a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnetTakes {
    /// The guidance scale in an embedding, as latent consistency models do.
    pub guidance: bool,
    /// The pooled embedding of a second text encoder.
    pub pooled: bool,
    /// The picture's sizes.
    pub sizes: bool,
    /// Which tokens of the text there are.
    pub mask: bool,
}

impl UnetTakes {
    /// What the U-Net of a bundle takes.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            guidance: manifest.time_cond_proj_dim.is_some(),
            pooled: manifest.text_2.is_some(),
            sizes: manifest.text_2.is_some() || manifest.addition_embed_type.is_some(),
            mask: manifest.takes_mask(),
        }
    }
}

/// `unet.onnx`, as exported.
#[must_use]
pub fn unet(takes: UnetTakes) -> Interface {
    let further = [
        (takes.mask, ENCODER_ATTENTION_MASK, &["batch", "tokens"][..]),
        (takes.guidance, GUIDANCE, &["batch"]),
        (takes.pooled, TEXT_EMBEDS, &["batch"]),
        (takes.sizes, TIME_IDS, &["batch"]),
    ];
    let further = further.into_iter().filter(|(taken, ..)| *taken).map(|(_, name, dims)| float(name, dims));
    Interface { inputs: [SAMPLE, TIMESTEP, TEXT].into_iter().chain(further).collect(), output: OUT, further: &[] }
}

/// `encoder_hid_proj.onnx` of a bundle.
pub const ENCODER_HID_PROJ: Interface =
    Interface { inputs: Cow::Borrowed(&[TEXT]), output: float(CONTEXT, HIDDEN), further: &[] };

/// `vae_decoder.onnx`.
pub const VAE_DECODER: Interface =
    Interface { inputs: Cow::Borrowed(&[float("latent", PICTURE)]), output: float("image", PICTURE), further: &[] };

/// `vae_encoder.onnx`.
pub const VAE_ENCODER: Interface =
    Interface { inputs: Cow::Borrowed(&[float("image", PICTURE)]), output: float("latent", PICTURE), further: &[] };

/// Gives the graph exactly these inputs and outputs.
///
/// Names that differ are changed where there is no doubt which is meant, element types by a `Cast`, and a timestep that is one
/// number becomes the first of the batch's. Further outputs are dropped, and so is the noise that a VAE encoder adds. Returns
/// what becomes of a timestep between whole ones.
///
/// # Errors
/// When inputs or the output cannot be matched; names what the graph has. When it draws random numbers.
pub(super) fn canonicalise(model: &mut Model, interface: &Interface) -> Result<Timestep> {
    let file = model.file().to_path_buf();
    let opset = model.opset();
    let graph = model.graph_mut()?;
    // Initializers that older files list as inputs are none.
    graph::prune(graph);
    // Converters to float16 leave inner values declared as they were; ONNX Runtime refuses such a graph.
    if graph.initializer.iter().any(|tensor| tensor.data_type == Some(DataType::Float16 as i32)) {
        graph.value_info.clear();
    }
    name_inputs(graph, &file, &interface.inputs)?;
    let place = |name: &str| interface.inputs.iter().position(|port| port.name == name);
    graph.input.sort_by_key(|input| place(input.name()));
    name_outputs(graph, &file, interface)?;
    graph::prune(graph);
    if interface.output.name == VAE_ENCODER.output.name {
        random::take_mean(graph);
    }
    random::refuse(graph, &file)?;
    let timestep = timestep::widen(graph);
    for port in interface.inputs.iter() {
        name_dimensions(graph, port);
        convert_input(graph, &file, port, opset)?;
        if port.name == "timestep" {
            spread_timestep(graph);
        }
    }
    for port in interface.outputs() {
        convert_output(graph, &file, port)?;
        finish_output(graph, port);
    }
    Ok(timestep)
}

fn list(values: &[ValueInfoProto]) -> String {
    values.iter().map(|value| format!("`{}`", value.name())).collect::<Vec<_>>().join(", ")
}

fn name_inputs(graph: &mut GraphProto, file: &Path, ports: &[Port]) -> Result<()> {
    let missing: Vec<&Port> = ports.iter().filter(|port| !has(&graph.input, port.name)).collect();
    let unknown: Vec<String> = graph
        .input
        .iter()
        .map(|input| input.name().to_owned())
        .filter(|name| !ports.iter().any(|port| port.name == name))
        .collect();
    match (&missing[..], &unknown[..]) {
        ([], []) => Ok(()),
        ([port], [name]) => {
            names::vacate(graph, port.name);
            names::rename(graph, name, port.name);
            Ok(())
        }
        _ => {
            let wanted = ports.iter().map(|port| format!("`{}`", port.name)).collect::<Vec<_>>().join(", ");
            Err(Error::interface(file, format!("the graph takes {}; expected are {wanted}", list(&graph.input))))
        }
    }
}

fn has(values: &[ValueInfoProto], name: &str) -> bool {
    values.iter().any(|value| value.name() == name)
}

fn name_outputs(graph: &mut GraphProto, file: &Path, interface: &Interface) -> Result<()> {
    let port = &interface.output;
    let first = graph.output.iter().map(|output| output.name()).find(|name| !is_further(interface, name));
    let kept = if has(&graph.output, port.name) { port.name } else { first.unwrap_or_default() };
    let kept = kept.to_owned();
    graph.output.retain(|output| output.name() == kept || is_further(interface, output.name()));
    // The first output first.
    graph.output.sort_by_key(|output| output.name() != kept);
    let further = interface.further.iter().map(|port| port.name);
    for name in std::iter::once(kept.as_str()).chain(further) {
        let count = graph.output.iter().filter(|output| output.name() == name).count();
        if count != 1 || !graph.node.iter().any(|n| n.output.iter().any(|output| output == name)) {
            let name = if name == kept { port.name } else { name };
            return Err(Error::interface(file, format!("the graph computes no output `{name}`")));
        }
    }
    if kept != port.name {
        names::vacate(graph, port.name);
        names::rename(graph, &kept, port.name);
    }
    Ok(())
}

fn is_further(interface: &Interface, name: &str) -> bool {
    interface.further.iter().any(|port| port.name == name)
}

/// The value's tensor type, if it has one.
pub fn tensor_type(value: &ValueInfoProto) -> Option<&type_proto::Tensor> {
    match value.r#type.as_ref()?.value.as_ref()? {
        type_proto::Value::TensorType(tensor) => Some(tensor),
        _ => None,
    }
}

fn tensor_type_mut(value: &mut ValueInfoProto) -> Option<&mut type_proto::Tensor> {
    match value.r#type.as_mut()?.value.as_mut()? {
        type_proto::Value::TensorType(tensor) => Some(tensor),
        _ => None,
    }
}

fn shape_mut(value: &mut ValueInfoProto) -> Option<&mut TensorShapeProto> {
    tensor_type_mut(value)?.shape.as_mut()
}

/// Renames the input's free dimensions throughout the graph. Sizes that the export fixed stay fixed.
fn name_dimensions(graph: &mut GraphProto, port: &Port) {
    let Some(input) = graph.input.iter_mut().find(|input| input.name() == port.name) else { return };
    let Some(shape) = shape_mut(input) else { return };
    let mut renamed = Vec::new();
    for (dim, name) in shape.dim.iter_mut().zip(port.dims) {
        let old = match &dim.value {
            Some(dimension::Value::DimValue(_)) => continue,
            Some(dimension::Value::DimParam(old)) => Some(old.clone()),
            None => None,
        };
        dim.value = Some(dimension::Value::DimParam((*name).to_owned()));
        renamed.extend(old.filter(|old| old != name).map(|old| (old, *name)));
    }
    let values = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
    for dim in values.filter_map(shape_mut).flat_map(|shape| &mut shape.dim) {
        if let Some(dimension::Value::DimParam(param)) = &mut dim.value
            && let Some((_, new)) = renamed.iter().find(|(old, _)| old == param)
        {
            *param = (*new).to_owned();
        }
    }
}

fn convert_input(graph: &mut GraphProto, file: &Path, port: &Port, opset: i64) -> Result<()> {
    let input = graph.input.iter_mut().find(|input| input.name() == port.name);
    let Some(kind) = input.and_then(tensor_type_mut) else {
        return Err(Error::interface(file, format!("input `{}` is no tensor", port.name)));
    };
    let exported = kind.elem_type.unwrap_or_default();
    if exported == port.element as i32 {
        return Ok(());
    }
    check_castable(file, port, exported)?;
    kind.elem_type = Some(port.element as i32);
    let inner = names::free(graph, &format!("{}.cast", port.name));
    names::redirect(graph, port.name, &inner);
    let mut nodes = Vec::new();
    let mut given = port.name.to_owned();
    if port.element == DataType::Float && is_integer(exported) && opset >= ROUND_FROM {
        given = names::free(graph, &format!("{}.whole", port.name));
        nodes.push(node::new("Round", &[port.name], &given));
    }
    nodes.push(node::cast(&given, &inner, exported));
    graph.node.splice(0..0, nodes);
    Ok(())
}

fn convert_output(graph: &mut GraphProto, file: &Path, port: &Port) -> Result<()> {
    let output = graph.output.iter().find(|output| output.name() == port.name);
    let Some(kind) = output.and_then(tensor_type) else {
        return Err(Error::interface(file, format!("output `{}` is no tensor", port.name)));
    };
    let exported = kind.elem_type.unwrap_or_default();
    if exported == port.element as i32 {
        return Ok(());
    }
    check_castable(file, port, exported)?;
    let inner = names::free(graph, &format!("{}.uncast", port.name));
    names::rename(graph, port.name, &inner);
    graph.node.push(node::cast(&inner, port.name, port.element as i32));
    for output in graph.output.iter_mut().filter(|output| output.name() == inner) {
        output.name = Some(port.name.to_owned());
    }
    Ok(())
}

fn check_castable(file: &Path, port: &Port, exported: i32) -> Result<()> {
    if element::is_float(exported) || is_integer(exported) {
        return Ok(());
    }
    Err(Error::interface(file, format!("`{}` is of {}", port.name, element::name(exported))))
}

fn is_integer(element: i32) -> bool {
    element == DataType::Int64 as i32 || element == DataType::Int32 as i32
}

/// A timestep exported as one number (shape [] or [1]) takes the first of the batch's, which are all the same.
fn spread_timestep(graph: &mut GraphProto) {
    let Some(input) = graph.input.iter_mut().find(|input| input.name() == "timestep") else { return };
    let Some(shape) = shape_mut(input) else { return };
    let single = matches!(&shape.dim[..], [dim] if dim.value == Some(dimension::Value::DimValue(1)));
    if !(shape.dim.is_empty() || single) {
        return;
    }
    let index_dims: &[i64] = if single { &[1] } else { &[] };
    shape.dim = vec![free("batch")];
    let (inner, index) = (names::free(graph, "timestep.first"), names::free(graph, "timestep.index"));
    graph.initializer.push(tensor::int64s(&index, index_dims, &[0]));
    names::redirect(graph, "timestep", &inner);
    graph.node.insert(0, node::new("Gather", &["timestep", &index], &inner));
}

fn free(name: &str) -> Dimension {
    Dimension { value: Some(dimension::Value::DimParam(name.to_owned())), ..Dimension::default() }
}

/// Types the output and forgets names that the exporter made up for its dimensions.
fn finish_output(graph: &mut GraphProto, port: &Port) {
    let output = graph.output.iter_mut().find(|output| output.name() == port.name);
    let Some(kind) = output.and_then(tensor_type_mut) else { return };
    kind.elem_type = Some(port.element as i32);
    for (at, dim) in kind.shape.iter_mut().flat_map(|shape| &mut shape.dim).enumerate() {
        let is_fixed = matches!(dim.value, Some(dimension::Value::DimValue(_)));
        if !is_fixed {
            // Only the batch is surely the input's; a decoder's height is not the latent's.
            dim.value = (at == 0).then(|| dimension::Value::DimParam("batch".to_owned()));
        }
    }
}
