//! Where a network first projects the text, before its layers make keys and values of it: that part becomes a graph of its own,
//! which runs once for each prompt.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use cones_core::model::bundle::CONTEXT;
use cones_onnx::proto::GraphProto;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::{Model, graph, info, names, node};

use crate::error::{Error, Result};
use crate::projection::TEXT;

/// Changes that leave the text what it is.
const PASSING: [&str; 6] = ["Identity", "Cast", "Dropout", "Reshape", "Unsqueeze", "Squeeze"];

/// The value that the network's projections are made from: the first of what comes of the text that as many products read as there are
/// `layers`. (Behind it everything comes of the text.)
///
/// # Errors
/// When fewer products read it than there are `layers`.
pub(super) fn find(graph: &GraphProto, file: &Path, layers: usize) -> Result<String> {
    let mut of_text: HashSet<&str> = HashSet::from([TEXT]);
    let mut passed: HashMap<&str, &str> = HashMap::new();
    // In the order of the graph.
    let mut products: Vec<(&str, usize)> = Vec::new();
    for n in &graph.node {
        let Some(read) = n.input.iter().map(String::as_str).find(|name| of_text.contains(name)) else { continue };
        let first = n.input.first().map_or(read, String::as_str);
        if ["MatMul", "Gemm"].iter().any(|op| node::has_op(n, op)) {
            let origin = passed.get(first).copied().unwrap_or(first);
            match products.iter_mut().find(|(value, _)| *value == origin) {
                Some((_, count)) => *count += 1,
                None => products.push((origin, 1)),
            }
        }
        for output in &n.output {
            of_text.insert(output);
            if PASSING.iter().any(|op| node::has_op(n, op)) {
                passed.insert(output, passed.get(read).copied().unwrap_or(read));
            }
        }
    }
    match products.iter().find(|(_, count)| *count >= layers) {
        Some((value, _)) => Ok((*value).to_owned()),
        None => {
            let most = products.iter().map(|(_, count)| *count).max().unwrap_or(0);
            let reason =
                format!("no value that comes of `{TEXT}` is multiplied by all {layers} layers; the most is {most}");
            Err(Error::interface(file, reason))
        }
    }
}

/// Keeps of the graph what makes `value` of the text; it takes [`TEXT`] and gives [`CONTEXT`], of this width, for one prompt.
///
/// # Errors
/// When that takes something else too.
pub(super) fn keep(model: &mut Model, value: &str, width: usize) -> Result<()> {
    let file = model.file().to_path_buf();
    let graph = model.graph_mut()?;
    names::vacate(graph, CONTEXT);
    let element = DataType::Float as i32;
    graph.node.push(node::cast(value, CONTEXT, element));
    graph.output = vec![info::tensor_of(CONTEXT, element, &[None, None, Some(width)])];
    graph.value_info.clear();
    pass_reshapes(graph);
    graph::prune(graph);
    let used: HashSet<String> = graph.node.iter().flat_map(node::reads).map(str::to_owned).collect();
    graph.input.retain(|input| used.contains(input.name()));
    match graph.input.iter().find(|input| input.name() != TEXT) {
        None => Ok(()),
        Some(other) => {
            let reason = format!("what `{TEXT}` is projected to depends on `{}` too", other.name());
            Err(Error::interface(&file, reason))
        }
    }
}

/// Passes texts on that are reshaped by the batch of something else. A text has three dimensions before and behind that, so nothing is
/// changed; and a graph of the text alone knows no other batch.
fn pass_reshapes(graph: &mut GraphProto) {
    let constants: HashSet<String> = graph.initializer.iter().map(|tensor| tensor.name().to_owned()).collect();
    let is_told = |n: &cones_onnx::proto::NodeProto| n.input.get(1).is_some_and(|shape| constants.contains(shape));
    for n in graph.node.iter_mut().filter(|n| node::has_op(n, "Reshape") && !is_told(n)) {
        n.op_type = Some("Identity".into());
        n.input.truncate(1);
        n.attribute.clear();
    }
}

/// Has the graph take `value`, of this width, in the place of the text.
///
/// # Errors
/// When the text is used in another way beside its projection, but for its shape.
pub(super) fn cut(model: &mut Model, value: &str, width: usize) -> Result<()> {
    let file = model.file().to_path_buf();
    let graph = model.graph_mut()?;
    if value == TEXT {
        return Ok(());
    }
    let old = names::free(graph, "cones.text");
    names::rename(graph, TEXT, &old);
    // What asks for the text's shape wants its first two dimensions, which the projection leaves.
    for n in graph.node.iter_mut().filter(|n| node::has_op(n, "Shape")) {
        n.input.iter_mut().filter(|input| **input == old).for_each(|input| *input = value.to_owned());
    }
    for n in &mut graph.node {
        n.output.iter_mut().filter(|output| *output == value).for_each(|output| output.push_str(".projected"));
    }
    names::redirect(graph, value, TEXT);
    graph.value_info.retain(|info| info.name() != value);
    for input in graph.input.iter_mut().filter(|input| input.name() == old) {
        input.name = Some(TEXT.to_owned());
        info::fix_at(input, 2, width);
    }
    graph::prune(graph);
    match graph::readers(graph, &old).first() {
        None => Ok(()),
        Some(position) => {
            let reason = format!("depends on `{TEXT}` in another way than by what it is projected to");
            Err(cones_onnx::Error::node(&file, &graph.node[*position], reason).into())
        }
    }
}
