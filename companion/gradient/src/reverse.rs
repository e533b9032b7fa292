//! The walk back through the graph.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use cones_onnx::info::{self, Shape};
use cones_onnx::proto::{GraphProto, NodeProto, ValueInfoProto};
use cones_onnx::{Model, element, graph, node};

use crate::call::{Call, Links};
use crate::error::{Error, Result};
use crate::objective::Ports;
use crate::shapes::{self, Shapes};
use crate::spec::{DerivativeSpec, Differentiated, Memory, Port};
use crate::tape::{MICROSOFT, Tape};
use crate::{frozen, recompute, rules};

/// The oldest version of the standard operators that is understood: since then axes of sums are inputs.
const OLDEST: i64 = 13;

/// Second copies of convolutions' weights may take up to this many bytes: little next to what a process takes anyway.
const TURNED: usize = 256 << 20;

/// Appends to a graph the loss and its derivative with respect to some values.
///
/// # Errors
/// [`Error::NoRule`] for a node on the way whose operator has no derivative rule; else when a value is not in the graph
/// or does not influence the result, a size is missing, or a node has a form that its rule does not cover.
pub fn differentiate(model: Model, spec: &DerivativeSpec) -> Result<Differentiated> {
    let mut model = model;
    let file = model.file().to_path_buf();
    let opset = model.opset();
    if opset < OLDEST {
        let reason = format!("it is of opset {opset}, and derivatives are known from opset {OLDEST} on");
        return Err(cones_onnx::Error::file(&file, reason).into());
    }
    let shapes = Shapes::infer(&model, &spec.inputs)?;
    let graph = model.graph_mut()?;
    graph::lift_constants(graph);
    shapes::fix_inputs(graph, &spec.inputs, &file)?;
    let output = graph.output.first().map(|output| output.name().to_owned());
    let output = output.ok_or_else(|| cones_onnx::Error::file(&file, "its graph has no output"))?;
    graph.output.truncate(1);
    for value in &spec.values {
        cut(graph, value, &shapes).map_err(|reason| Error::value(&file, value, reason))?;
    }
    graph::prune(graph);
    let active = active(graph, &spec.values, &shapes);
    refuse_quantised(graph, &active, &file)?;
    if !active.contains(&output) {
        return Err(Error::value(&file, &output, "is the result, and does not depend on the values in question"));
    }
    let turned_weights = spec.memory == Memory::Normal && convolution_bytes(graph, &active, &shapes) <= TURNED;
    let mut tape = Tape::new(&file, opset, graph, shapes, active);
    (tape.blocks, tape.turned_weights) = (spec.blocks, turned_weights);
    let ports = spec.objective.write(&mut tape, &output)?;
    walk(&mut tape, &graph.node)?;
    let gradients = gradients(&mut tape, &spec.values)?;
    let forward = assemble(graph, tape, &ports, &gradients);
    let port = |input: &ValueInfoProto| Some(Port { name: input.name().to_owned(), shape: info::shape(input)? });
    let inputs = graph.input.iter().filter_map(port).collect();
    // The rules write `FusedMatMul`.
    model.import_domain(MICROSOFT);
    if spec.memory == Memory::Low {
        let shapes = Shapes::infer(&model, &BTreeMap::new())?;
        recompute::recompute(model.graph_mut()?, forward, &shapes);
        let Model { proto, source } = &mut model;
        if let Some(graph) = proto.graph.as_mut() {
            frozen::make_anew(graph, source)?;
        }
    }
    let port = |(name, shape): (String, Shape)| Port { name, shape };
    let outputs = ports.outputs.into_iter().map(port).collect();
    Ok(Differentiated { model, inputs, outputs, gradients })
}

/// Makes a value an input, if it is none.
fn cut(graph: &mut GraphProto, value: &str, shapes: &Shapes) -> Result<(), String> {
    let shape = shapes.get(value).ok_or("is not in the graph, or of no fixed shape")?;
    if !element::is_float(shape.element) {
        return Err(format!("holds {}, which has no derivative", element::name(shape.element)));
    }
    if graph.input.iter().any(|input| input.name() == value) {
        return Ok(());
    }
    let unused = format!("{value}.before_cut");
    let outputs = graph.node.iter_mut().flat_map(|n| &mut n.output);
    let mut found = false;
    for output in outputs.filter(|output| *output == value) {
        *output = unused.clone();
        found = true;
    }
    if !found {
        return Err("is a weight, and weights are frozen".into());
    }
    graph.value_info.retain(|info| info.name() != value);
    graph.input.push(info::tensor(value, shape));
    Ok(())
}

/// The values through which gradients flow: those of floating-point type that depend on `values`.
fn active(graph: &GraphProto, values: &[String], shapes: &Shapes) -> HashSet<String> {
    let mut active: HashSet<String> = values.iter().cloned().collect();
    let flows = |name: &String| {
        let is_float = shapes.get(name).is_none_or(|shape| element::is_float(shape.element));
        !name.is_empty() && is_float && !shapes.is_constant(name)
    };
    for n in &graph.node {
        if node::reads(n).into_iter().any(|read| active.contains(read)) {
            active.extend(n.output.iter().filter(|output| flows(output)).cloned());
        }
    }
    active
}

/// Whole numbers end the way of a gradient, so without this the result would seem not to depend on the values at all.
fn refuse_quantised(graph: &GraphProto, active: &HashSet<String>, file: &Path) -> Result<()> {
    let quantises = |n: &&NodeProto| matches!(n.op_type(), "QuantizeLinear" | "DynamicQuantizeLinear");
    let found = graph.node.iter().filter(quantises).find(|n| n.input.iter().any(|read| active.contains(read)));
    found.map_or(Ok(()), |n| Err(Error::no_rule(file, n)))
}

/// What the weights of the convolutions take that gradients flow through.
fn convolution_bytes(graph: &GraphProto, active: &HashSet<String>, shapes: &Shapes) -> usize {
    let flows = |n: &&NodeProto| node::has_op(n, "Conv") && n.input.first().is_some_and(|x| active.contains(x));
    let weights = graph.node.iter().filter(flows).filter_map(|n| shapes.get(n.input.get(1)?));
    weights.map(Shape::bytes).sum()
}

/// From the last node to the first: what comes back to a node's outputs, its rule gives to its inputs.
fn walk(tape: &mut Tape, nodes: &[NodeProto]) -> Result<()> {
    let links = Links::new(nodes);
    for n in nodes.iter().rev() {
        let mut gradients: Vec<Option<String>> = n.output.iter().map(|output| tape.take(output)).collect();
        if gradients.iter().all(Option::is_none) {
            continue;
        }
        let rule = rules::find(n).ok_or_else(|| Error::no_rule(tape.file(), n))?;
        let rest = gradients.split_off(1);
        let dy = match (gradients.pop().flatten(), n.output.first()) {
            (Some(gradient), _) => gradient,
            (None, Some(first)) => tape.zeros(first)?,
            (None, None) => continue,
        };
        let call = Call { node: n, dy, rest, graph: &links };
        if call.rest.iter().any(Option::is_some) && !node::has_op(n, "Split") {
            return Err(call.unsupported(tape, "is used by a further output, for which there is no derivative rule"));
        }
        rule(tape, &call)?;
    }
    Ok(())
}

/// Names each value's gradient after it.
///
/// ONNX Runtime runs what the first of these last nodes needs first. So they stand in the order in which their gradients
/// are made, or those of late layers would wait, with all that they need, until the walk back has reached the first one.
/// They reshape to the shape there is, because ONNX Runtime would take an `Identity` out.
fn gradients(tape: &mut Tape, values: &[String]) -> Result<Vec<Port>> {
    let (mut ports, mut tails) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    for value in values {
        let Some(gradient) = tape.take(value) else {
            return Err(Error::value(tape.file(), value, "does not influence the result"));
        };
        let name = tape.reserve(&format!("{value}.gradient"))?;
        let shape = tape.shape(value)?;
        tails.push((tape.maker(&gradient), gradient, name.clone(), shape.dims.clone()));
        ports.push(Port { name, shape });
    }
    tails.sort_by_key(|(made, ..)| *made);
    for (_, gradient, name, dims) in tails {
        let dims = tape.sizes(&dims);
        tape.node_named("Reshape", &[&gradient, &dims], vec![], &name);
    }
    Ok(ports)
}

/// Puts the derivative behind the graph. Returns the number of nodes that belong to the forward pass.
fn assemble(graph: &mut GraphProto, tape: Tape, ports: &Ports, gradients: &[Port]) -> usize {
    let mut replacements = tape.replacements;
    let forward = std::mem::take(&mut graph.node);
    for n in forward {
        match n.output.first().and_then(|output| replacements.remove(output)) {
            Some(instead) => graph.node.extend(instead),
            None => graph.node.push(n),
        }
    }
    let backward: HashSet<String> = tape.nodes.iter().flat_map(|n| &n.output).cloned().collect();
    graph.node.extend(tape.nodes);
    graph.initializer.extend(tape.initializers);
    graph.input.extend(ports.inputs.iter().map(|(name, shape)| info::tensor(name, shape)));
    let outputs = ports.outputs.iter().map(|(name, shape)| info::tensor(name, shape));
    graph.output = outputs.chain(gradients.iter().map(|port| info::tensor(&port.name, &port.shape))).collect();
    graph.value_info.clear();
    graph::prune(graph);
    graph.node.iter().take_while(|n| !n.output.iter().any(|output| backward.contains(output))).count()
}
