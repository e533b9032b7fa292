//! The walk back through the graph.

use std::collections::{BTreeMap, HashSet};

use super::call::{Call, Links};
use super::objective::{Objective, Ports};
use super::shapes::{self, Shapes};
use super::tape::{MICROSOFT, Tape};
use super::{Error, Result, rules};
use crate::onnx::info::{self, Shape};
use crate::onnx::proto::{GraphProto, NodeProto, OperatorSetIdProto, ValueInfoProto};
use crate::onnx::{self, Model, element, graph, node};

/// The oldest version of the standard operators that is understood: since then axes of sums are inputs.
const OLDEST: i64 = 13;

/// What is to be differentiated with respect to what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The dimensions of the graph's inputs. Inputs whose declared dimensions are all fixed may be left out.
    pub inputs: BTreeMap<String, Vec<usize>>,
    /// The values whose gradients are wanted, in the order of the result. One that is not an input of the graph becomes
    /// one, and what made it is dropped.
    pub values: Vec<String>,
    /// Where the gradient at the graph's first output comes from.
    pub objective: Objective,
}

/// One input or output of a differentiated graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name in the graph.
    pub name: String,
    /// Its element type and dimensions.
    pub shape: Shape,
}

/// A graph with its derivative. Its weights still lie where those of the original do.
#[derive(Debug)]
pub struct Differentiated {
    /// The graph: inputs as before, those of the objective, and the values that became inputs; outputs are those of the
    /// objective, then the gradients.
    pub model: Model,
    /// All inputs.
    pub inputs: Vec<Port>,
    /// What the objective gives.
    pub outputs: Vec<Port>,
    /// The gradients, in the order of [`Plan::values`], each shaped as its value.
    pub gradients: Vec<Port>,
}

/// Appends to a graph the loss and its derivative with respect to some values.
///
/// # Errors
/// [`Error::NoRule`] for a node on the way whose operator has no derivative rule; else when a value is not in the graph
/// or does not influence the result, a size is missing, or a node has a form that its rule does not cover.
pub fn differentiate(model: Model, plan: &Plan) -> Result<Differentiated> {
    let mut model = model;
    let file = model.file().to_path_buf();
    let opset = model.opset();
    if opset < OLDEST {
        let reason = format!("it is of opset {opset}, and derivatives are known from opset {OLDEST} on");
        return Err(onnx::Error::file(&file, reason).into());
    }
    let shapes = Shapes::infer(&model, &plan.inputs)?;
    let graph = model.graph_mut()?;
    graph::lift_constants(graph);
    shapes::fix_inputs(graph, &plan.inputs, &file)?;
    let output = graph.output.first().map(|output| output.name().to_owned());
    let output = output.ok_or_else(|| onnx::Error::file(&file, "its graph has no output"))?;
    graph.output.truncate(1);
    for value in &plan.values {
        cut(graph, value, &shapes).map_err(|reason| Error::value(&file, value, reason))?;
    }
    graph::prune(graph);
    let active = active(graph, &plan.values, &shapes);
    if !active.contains(&output) {
        return Err(Error::value(&file, &output, "is the result, and does not depend on the values in question"));
    }
    let mut tape = Tape::new(&file, opset, shapes, graph, active);
    let ports = plan.objective.write(&mut tape, &output)?;
    walk(&mut tape, &graph.node)?;
    let gradients = gradients(&mut tape, &plan.values)?;
    let inputs = assemble(graph, tape, &ports, &gradients);
    import_microsoft(&mut model);
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
        if call.rest.iter().any(Option::is_some) && !node::is(n, "Split") {
            return Err(call.unsupported(tape, "is used by a further output, for which there is no derivative rule"));
        }
        rule(tape, &call)?;
    }
    Ok(())
}

/// Names each value's gradient after it.
fn gradients(tape: &mut Tape, values: &[String]) -> Result<Vec<Port>> {
    let mut ports = Vec::with_capacity(values.len());
    for value in values {
        let Some(gradient) = tape.take(value) else {
            return Err(Error::value(tape.file(), value, "does not influence the result"));
        };
        let name = tape.claim(&format!("{value}.gradient"))?;
        tape.node_named("Identity", &[&gradient], vec![], &name);
        ports.push(Port { name, shape: tape.shape(value)? });
    }
    Ok(ports)
}

/// Puts the derivative behind the graph. Returns all inputs.
fn assemble(graph: &mut GraphProto, tape: Tape, ports: &Ports, gradients: &[Port]) -> Vec<Port> {
    graph.node.extend(tape.nodes);
    graph.initializer.extend(tape.initializers);
    graph.input.extend(ports.inputs.iter().map(|(name, shape)| info::tensor(name, shape)));
    let outputs = ports.outputs.iter().map(|(name, shape)| info::tensor(name, shape));
    graph.output = outputs.chain(gradients.iter().map(|port| info::tensor(&port.name, &port.shape))).collect();
    graph.value_info.clear();
    graph::prune(graph);
    let port = |input: &ValueInfoProto| Some(Port { name: input.name().to_owned(), shape: info::shape(input)? });
    graph.input.iter().filter_map(port).collect()
}

/// The rules write `FusedMatMul`.
fn import_microsoft(model: &mut Model) {
    let sets = &mut model.proto.opset_import;
    if sets.iter().all(|set| set.domain() != MICROSOFT) {
        sets.push(OperatorSetIdProto { domain: Some(MICROSOFT.into()), version: Some(1) });
    }
}
