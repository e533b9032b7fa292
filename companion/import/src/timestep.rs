//! The timestep as the embedding takes it: with what is behind the point.
//!
//! Exporters type the input after the example they were given, mostly int64. The embedding multiplies floating-point numbers
//! by it, so the whole number is only cast and reshaped on its way there; a fraction can go the same way.

use std::collections::HashMap;

use cones_onnx::info;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, NodeProto, ValueInfoProto, type_proto};
use cones_onnx::{element, names, node};

/// The input.
const TIMESTEP: &str = "timestep";

/// Operators that pass their first input on in another shape, whatever its type.
const PASSING: [&str; 10] =
    ["Identity", "Unsqueeze", "Squeeze", "Reshape", "Expand", "Flatten", "Tile", "Gather", "Slice", "Transpose"];

/// What the graph makes of a timestep between whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timestep {
    /// All of it reaches the embedding.
    Float,
    /// It is cut to what this type holds.
    Cut(DataType),
}

/// Makes the input float32 and leaves out the casts on its way to the embedding, where nothing but casts and changes of shape
/// is on it. A graph that computes with whole numbers stays as it is.
pub(super) fn widen(graph: &mut GraphProto) -> Timestep {
    let input = graph.input.iter().find(|input| input.name() == TIMESTEP);
    let Some(exported) = input.and_then(element_type) else { return Timestep::Float };
    let Some(way) = Way::find(graph, exported) else { return Timestep::Cut(DataType::Int64) };
    let cut = way.ends.iter().find(|end| is_short(end.element));
    let cut = cut.and_then(|end| DataType::try_from(end.element).ok()).map_or(Timestep::Float, Timestep::Cut);
    way.clear(graph);
    cut
}

/// The element type of a declared tensor.
fn element_type(value: &ValueInfoProto) -> Option<i32> {
    match value.r#type.as_ref()?.value.as_ref()? {
        type_proto::Value::TensorType(tensor) => tensor.elem_type,
        _ => None,
    }
}

/// Whether the type has fewer digits than timesteps between whole ones need.
fn is_short(element: i32) -> bool {
    element == DataType::Float16 as i32 || element == DataType::Bfloat16 as i32
}

/// Where something is computed from the timestep, of which type.
struct End {
    node: usize,
    input: usize,
    element: i32,
}

/// The way from the input to the embedding.
#[derive(Default)]
struct Way {
    /// The timestep under each of its names, with the type it has there.
    values: HashMap<String, i32>,
    casts: Vec<usize>,
    ends: Vec<End>,
}

impl Way {
    /// Follows the input; `None` if something is computed from whole numbers.
    fn find(graph: &GraphProto, exported: i32) -> Option<Self> {
        let mut way = Self { values: HashMap::from([(TIMESTEP.to_owned(), exported)]), ..Self::default() };
        for (at, n) in graph.node.iter().enumerate() {
            // A body may do anything with it.
            let inside = node::reads(n).into_iter().skip(n.input.iter().filter(|name| !name.is_empty()).count());
            if inside.into_iter().any(|name| way.values.contains_key(name)) {
                return None;
            }
            way.step(at, n)?;
        }
        let returned = graph.output.iter().any(|output| way.values.contains_key(output.name()));
        (!returned).then_some(way)
    }

    fn step(&mut self, at: usize, n: &NodeProto) -> Option<()> {
        let read: Vec<(usize, i32)> =
            n.input.iter().enumerate().filter_map(|(input, name)| Some((input, *self.values.get(name)?))).collect();
        match (read.as_slice(), n.op_type(), n.output.first()) {
            ([], ..) | (_, "Shape" | "Size", _) => {}
            ([(0, element)], op, Some(output)) if PASSING.contains(&op) => {
                self.values.insert(output.clone(), *element);
            }
            ([(0, _)], "Cast", Some(output)) => {
                self.values.insert(output.clone(), node::int(n, "to").and_then(|to| i32::try_from(to).ok())?);
                self.casts.push(at);
            }
            (read, ..) => {
                for &(input, element) in read {
                    if !element::is_float(element) {
                        return None;
                    }
                    self.ends.push(End { node: at, input, element });
                }
            }
        }
        Some(())
    }

    /// Lets the timestep go the way as float32, and gives each end its own type.
    fn clear(self, graph: &mut GraphProto) {
        let float = DataType::Float as i32;
        if self.values.values().all(|element| *element == float) {
            return;
        }
        for input in graph.input.iter_mut().filter(|input| input.name() == TIMESTEP) {
            info::retype(input, float);
        }
        graph.value_info.retain(|value| !self.values.contains_key(value.name()));
        for at in self.casts {
            let n = &mut graph.node[at];
            n.op_type = Some("Identity".into());
            n.attribute.clear();
        }
        let mut casts: HashMap<usize, Vec<NodeProto>> = HashMap::new();
        for End { node: at, input, element } in self.ends.into_iter().filter(|end| end.element != float) {
            let read = graph.node[at].input[input].clone();
            let typed = names::free(graph, &format!("{read}.typed_{at}_{input}"));
            graph.node[at].input[input].clone_from(&typed);
            casts.entry(at).or_default().push(node::cast(&read, &typed, element));
        }
        for (at, n) in std::mem::take(&mut graph.node).into_iter().enumerate() {
            graph.node.extend(casts.remove(&at).into_iter().flatten());
            graph.node.push(n);
        }
    }
}

#[cfg(test)]
mod tests {
    use cones_onnx::info::Shape;

    use super::*;

    const INT64: i32 = DataType::Int64 as i32;
    const FLOAT: i32 = DataType::Float as i32;
    const HALF: i32 = DataType::Float16 as i32;

    fn graph(element: i32, nodes: Vec<NodeProto>) -> GraphProto {
        let input = info::tensor(TIMESTEP, &Shape { element, dims: vec![1] });
        GraphProto { input: vec![input], node: nodes, output: vec![info::untyped("y")], ..GraphProto::default() }
    }

    fn input_element(graph: &GraphProto) -> Option<i32> {
        info::shape(&graph.input[0]).map(|shape| shape.element)
    }

    fn operators(graph: &GraphProto) -> Vec<&str> {
        graph.node.iter().map(NodeProto::op_type).collect()
    }

    #[test]
    fn casts_to_whole_numbers_on_the_way_to_the_embedding_go() {
        let mut graph = graph(
            INT64,
            vec![
                node::new("Unsqueeze", &[TIMESTEP, "axes"], "a"),
                node::cast("a", "b", INT64),
                node::new("Expand", &["b", "shape"], "c"),
                node::cast("c", "d", FLOAT),
                node::new("Mul", &["d", "frequencies"], "y"),
            ],
        );
        assert_eq!(widen(&mut graph), Timestep::Float);
        assert_eq!(input_element(&graph), Some(FLOAT));
        assert_eq!(operators(&graph), ["Unsqueeze", "Identity", "Expand", "Identity", "Mul"]);
    }

    #[test]
    fn what_computes_in_another_type_gets_it_as_late_as_can_be() {
        let nodes = vec![node::cast(TIMESTEP, "a", HALF), node::new("Mul", &["a", "frequencies"], "y")];
        let mut graph = graph(INT64, nodes);
        assert_eq!(widen(&mut graph), Timestep::Cut(DataType::Float16));
        assert_eq!(input_element(&graph), Some(FLOAT));
        assert_eq!(operators(&graph), ["Identity", "Cast", "Mul"]);
        assert_eq!(graph.node[2].input[0], graph.node[1].output[0]);
        assert_eq!(node::int(&graph.node[1], "to"), Some(i64::from(HALF)));
    }

    #[test]
    fn a_half_timestep_that_is_cast_to_float32_was_cut_by_the_input_alone() {
        let nodes = vec![node::cast(TIMESTEP, "a", FLOAT), node::new("Mul", &["a", "frequencies"], "y")];
        let mut graph = graph(HALF, nodes);
        assert_eq!(widen(&mut graph), Timestep::Float);
        assert_eq!((input_element(&graph), operators(&graph)), (Some(FLOAT), vec!["Identity", "Mul"]));
    }

    #[test]
    fn arithmetic_in_whole_numbers_leaves_the_graph_as_it_is() {
        let nodes = vec![node::new("Add", &[TIMESTEP, "one"], "a"), node::cast("a", "y", FLOAT)];
        let mut changed = graph(INT64, nodes);
        let before = changed.clone();
        assert_eq!(widen(&mut changed), Timestep::Cut(DataType::Int64));
        assert_eq!(changed, before);
    }

    #[test]
    fn a_table_that_is_looked_up_by_the_timestep_takes_whole_numbers() {
        let mut graph = graph(INT64, vec![node::new("Gather", &["table", TIMESTEP], "y")]);
        assert_eq!(widen(&mut graph), Timestep::Cut(DataType::Int64));
    }
}
