//! The order of nodes: each behind all that it reads.
//!
//! ONNX asks for that order, ONNX Runtime does not, and converters to float16 append their casts at the end of the list.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::node;
use crate::proto::{GraphProto, NodeProto};

/// Brings the nodes of a graph and of its bodies into order. Where they are, nothing changes; a node that comes too late goes
/// right before the first that reads it.
///
/// # Errors
/// When nodes depend on each other in a circle; names one of them.
pub fn sort(graph: &mut GraphProto, file: &Path) -> Result<()> {
    for body in graph.node.iter_mut().flat_map(node::subgraphs_mut) {
        sort(body, file)?;
    }
    let order = order(&graph.node).map_err(|at| {
        let reason = "depends on itself, by way of what reads it";
        Error::node(file, &graph.node[at], reason)
    })?;
    if order.iter().enumerate().all(|(place, at)| place == *at) {
        return Ok(());
    }
    let mut nodes: Vec<Option<NodeProto>> = std::mem::take(&mut graph.node).into_iter().map(Some).collect();
    graph.node = order.into_iter().filter_map(|at| nodes.get_mut(at)?.take()).collect();
    Ok(())
}

/// How far the way through a node's sources has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Untouched,
    Begun,
    Placed,
}

/// The positions of the nodes in their new order, or one that lies on a circle.
fn order(nodes: &[NodeProto]) -> Result<Vec<usize>, usize> {
    let makers: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .flat_map(|(at, n)| n.output.iter().filter(|output| !output.is_empty()).map(move |o| (o.as_str(), at)))
        .collect();
    let sources =
        |at: usize| -> Vec<usize> { free(&nodes[at]).iter().filter_map(|n| makers.get(n).copied()).collect() };
    let mut states = vec![State::Untouched; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    for first in 0..nodes.len() {
        if states[first] != State::Untouched {
            continue;
        }
        states[first] = State::Begun;
        // Not by recursion: a chain may be as long as the graph.
        let mut way = vec![(first, sources(first).into_iter())];
        while let Some((at, rest)) = way.last_mut() {
            match rest.next() {
                Some(source) if states[source] == State::Untouched => {
                    states[source] = State::Begun;
                    way.push((source, sources(source).into_iter()));
                }
                Some(source) if states[source] == State::Begun => return Err(source),
                Some(_) => {}
                None => {
                    states[*at] = State::Placed;
                    order.push(*at);
                    way.pop();
                }
            }
        }
    }
    Ok(order)
}

/// What a node reads from outside of it, in order: its inputs, and what its bodies do not make themselves.
fn free(n: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = n.input.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    for body in node::subgraphs(n) {
        let made = body.node.iter().flat_map(|n| &n.output).map(String::as_str);
        let given = body.input.iter().map(|input| input.name()).chain(body.initializer.iter().map(|t| t.name()));
        let own: HashSet<&str> = made.chain(given).collect();
        let read = body.node.iter().flat_map(free).chain(body.output.iter().map(|output| output.name()));
        names.extend(read.filter(|name| !own.contains(name)));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribute, info};

    fn made(graph: &GraphProto) -> Vec<&str> {
        graph.node.iter().flat_map(|n| &n.output).map(String::as_str).collect()
    }

    fn sorted(nodes: Vec<NodeProto>) -> Result<GraphProto> {
        let mut graph = GraphProto { node: nodes, output: vec![info::untyped("y")], ..GraphProto::default() };
        sort(&mut graph, Path::new("x.onnx"))?;
        Ok(graph)
    }

    #[test]
    fn what_is_in_order_stays_and_what_comes_late_goes_before_its_reader() -> Result<()> {
        let [a, b, y] =
            [node::new("Neg", &["x"], "a"), node::new("Neg", &["x"], "b"), node::new("Add", &["a", "b"], "y")];
        assert_eq!(made(&sorted(vec![b.clone(), a.clone(), y.clone()])?), ["b", "a", "y"]);
        assert_eq!(made(&sorted(vec![a.clone(), y.clone(), b.clone()])?), ["a", "b", "y"]);
        assert_eq!(made(&sorted(vec![y, a, b])?), ["a", "b", "y"]);
        Ok(())
    }

    #[test]
    fn a_body_reads_what_is_outside_of_it_and_is_sorted_itself() -> Result<()> {
        let body = GraphProto {
            node: vec![node::new("Add", &["inner", "late"], "sum"), node::new("Neg", &["x"], "inner")],
            output: vec![info::untyped("sum")],
            ..GraphProto::default()
        };
        let mut branch = node::new("If", &["which"], "y");
        branch.attribute.push(attribute::graph("then_branch", body));
        let graph = sorted(vec![branch, node::new("Neg", &["x"], "late")])?;
        assert_eq!(made(&graph), ["late", "y"]);
        assert_eq!(node::subgraphs(&graph.node[1]).map(made).collect::<Vec<_>>(), [["inner", "sum"]]);
        Ok(())
    }

    #[test]
    fn a_circle_is_refused_by_the_name_of_a_node_on_it() {
        let circle = vec![node::new("Neg", &["b"], "a"), node::new("Neg", &["a"], "b"), node::new("Neg", &["b"], "y")];
        let error = sorted(circle).expect_err("a circle").to_string();
        assert!(error.contains("a/Neg") && error.contains("depends on itself"), "{error}");
        assert!(sorted(vec![node::new("Add", &["y", "x"], "y")]).is_err(), "a node that reads what it makes");
    }

    #[test]
    fn a_chain_written_backwards_is_no_matter_of_depth() -> Result<()> {
        let name = |at: usize| format!("v{at}");
        let nodes = (0..100_000).rev().map(|at| node::new("Neg", &[&name(at)], &name(at + 1))).collect();
        let graph = sorted(nodes)?;
        assert_eq!(graph.node[0].output, ["v1"]);
        assert_eq!(graph.node[99_999].output, ["v100000"]);
        Ok(())
    }
}
