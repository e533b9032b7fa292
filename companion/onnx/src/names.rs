//! Names of values in a graph: whether they are taken, and renaming them everywhere.

use crate::node;
use crate::proto::GraphProto;

/// Whether any value of the graph has this name.
pub fn is_taken(graph: &GraphProto, name: &str) -> bool {
    graph.input.iter().any(|value| value.name() == name)
        || graph.initializer.iter().any(|tensor| tensor.name() == name)
        || graph.node.iter().any(|n| {
            n.output.iter().any(|output| output == name) || node::subgraphs(n).any(|body| is_taken(body, name))
        })
}

/// `name`, or `name_2`, `name_3`, … where that is taken.
pub fn free(graph: &GraphProto, name: &str) -> String {
    let mut candidate = name.to_owned();
    let mut counter = 2;
    while is_taken(graph, &candidate) {
        candidate = format!("{name}_{counter}");
        counter += 1;
    }
    candidate
}

/// Lets all that read `old` read `new`, in nested graphs too. Graph outputs and whatever makes `old` stay as they are.
pub fn redirect(graph: &mut GraphProto, old: &str, new: &str) {
    for n in &mut graph.node {
        for input in n.input.iter_mut().filter(|input| *input == old) {
            *input = new.to_owned();
        }
        for body in node::subgraphs_mut(n) {
            redirect(body, old, new);
            for output in body.output.iter_mut().filter(|output| output.name() == old) {
                output.name = Some(new.to_owned());
            }
        }
    }
}

/// Gives a value another name wherever it is made, read, described or returned.
pub fn rename(graph: &mut GraphProto, old: &str, new: &str) {
    redirect(graph, old, new);
    for output in graph.node.iter_mut().flat_map(|n| &mut n.output).filter(|output| *output == old) {
        *output = new.to_owned();
    }
    for tensor in graph.initializer.iter_mut().filter(|tensor| tensor.name() == old) {
        tensor.name = Some(new.to_owned());
    }
    let described = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
    for value in described.filter(|value| value.name() == old) {
        value.name = Some(new.to_owned());
    }
}

/// Makes `name` free by renaming the value that has it now, if any.
pub fn vacate(graph: &mut GraphProto, name: &str) {
    if is_taken(graph, name) {
        let other = free(graph, &format!("{name}_inner"));
        rename(graph, name, &other);
    }
}
