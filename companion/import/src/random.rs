//! Random numbers in a graph: with them one seed gives several pictures, and one export several bundles.
//!
//! VAE encoders are often exported with the drawing of the latent inside, mean + deviation · noise. What a bundle wants is the
//! mean.

use std::path::Path;

use cones_onnx::links::Links;
use cones_onnx::proto::{GraphProto, NodeProto};
use cones_onnx::{graph, node, tensor};

use crate::error::{Error, Result};

/// Operators that draw from a normal distribution.
const NORMAL: [&str; 2] = ["RandomNormal", "RandomNormalLike"];
/// Other operators that draw.
const OTHERS: [&str; 4] = ["RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"];

/// Makes a graph that gives mean + deviation · noise give the mean.
pub(super) fn take_mean(graph: &mut GraphProto) {
    while let Some((sum, mean)) = drawing(graph) {
        graph.node[sum] = node::new("Identity", &[&mean], &graph.node[sum].output[0].clone());
        graph::prune(graph);
    }
}

/// A graph must give the same again.
///
/// # Errors
/// Names the node that draws random numbers.
pub(super) fn refuse(graph: &GraphProto, file: &Path) -> Result<()> {
    match drawer(graph) {
        None => Ok(()),
        Some(n) => {
            let (label, op) = (node::label(n), n.op_type());
            let reason = format!("node `{label}` ({op}) draws random numbers, so one seed would give several pictures");
            Err(Error::interface(file, reason))
        }
    }
}

/// The node that draws random numbers, in this graph or in a body.
fn drawer(graph: &GraphProto) -> Option<&NodeProto> {
    let draws = |n: &NodeProto| NORMAL.iter().chain(&OTHERS).any(|op| node::has_op(n, op)) || drops_out(graph, n);
    graph.node.iter().find_map(|n| if draws(n) { Some(n) } else { node::subgraphs(n).find_map(drawer) })
}

/// Training mode is the third input of `Dropout`; exporters leave it out, or write a constant `false`.
fn drops_out(graph: &GraphProto, n: &NodeProto) -> bool {
    let Some(mode) = n.input.get(2).filter(|mode| node::has_op(n, "Dropout") && !mode.is_empty()) else { return false };
    let constant = graph.initializer.iter().find(|tensor| tensor.name() == mode);
    constant.is_none_or(|mode| tensor::inline_bytes(mode).iter().any(|byte| *byte != 0))
}

/// The position of a sum of a mean and noise times a deviation, and the mean.
fn drawing(graph: &GraphProto) -> Option<(usize, String)> {
    let links = Links::new(graph);
    graph.node.iter().filter(|n| is_standard(n)).find_map(|n| {
        let product = next(graph, &links, n.output.first()?, "Mul")?;
        let product = graph.node[product].output.first()?;
        let sum = next(graph, &links, product, "Add")?;
        // The other summand is what is left once the product and its casts are followed back.
        let made = |name: &String| origin(&links, name) == product.as_str();
        let inputs = &graph.node[sum].input;
        let mean = inputs.iter().find(|name| !made(name))?;
        (inputs.len() == 2).then(|| (sum, mean.clone()))
    })
}

/// Noise around zero.
fn is_standard(n: &NodeProto) -> bool {
    NORMAL.iter().any(|op| node::has_op(n, op)) && node::float(n, "mean").unwrap_or(0.0) == 0.0
}

/// The one node that reads a value, past casts, if it is `op`.
fn next(graph: &GraphProto, links: &Links<'_>, value: &str, op: &str) -> Option<usize> {
    let mut value = value;
    loop {
        let at = links.only_reader(value)?;
        let n = &graph.node[at];
        if node::has_op(n, op) {
            return Some(at);
        }
        if !is_pass(n) {
            return None;
        }
        value = n.output.first()?;
    }
}

/// Where a value comes from, past casts.
fn origin<'a>(links: &Links<'a>, name: &'a str) -> &'a str {
    let mut name = name;
    while let Some(before) = links.maker(name).filter(|n| is_pass(n)).and_then(|n| n.input.first()) {
        name = before;
    }
    name
}

fn is_pass(n: &NodeProto) -> bool {
    node::has_op(n, "Cast") || node::has_op(n, "Identity")
}

#[cfg(test)]
mod tests {
    use cones_onnx::info;
    use cones_onnx::proto::tensor_proto::DataType;

    use super::*;

    fn graph_of(nodes: Vec<NodeProto>) -> GraphProto {
        GraphProto {
            input: vec![info::untyped("x")],
            node: nodes,
            output: vec![info::untyped("latent")],
            ..GraphProto::default()
        }
    }

    fn operators(graph: &GraphProto) -> Vec<&str> {
        graph.node.iter().map(NodeProto::op_type).collect()
    }

    #[test]
    fn the_mean_is_left_of_a_drawing_with_casts_between() {
        let half = DataType::Float16 as i32;
        let mut graph = graph_of(vec![
            node::new("Neg", &["x"], "mean"),
            node::new("Exp", &["x"], "deviation"),
            node::new("RandomNormalLike", &["deviation"], "noise"),
            node::cast("noise", "noise.half", half),
            node::new("Mul", &["deviation", "noise.half"], "spread"),
            node::cast("spread", "spread.float", DataType::Float as i32),
            node::new("Add", &["spread.float", "mean"], "latent"),
        ]);
        take_mean(&mut graph);
        assert_eq!(operators(&graph), ["Neg", "Identity"]);
        assert_eq!((graph.node[1].input[0].as_str(), graph.node[1].output[0].as_str()), ("mean", "latent"));
        assert!(refuse(&graph, Path::new("x.onnx")).is_ok());
    }

    #[test]
    fn noise_that_is_used_otherwise_is_refused_by_name() {
        for nodes in [
            vec![node::new("RandomUniformLike", &["x"], "noise"), node::new("Add", &["x", "noise"], "latent")],
            vec![node::new("RandomNormalLike", &["x"], "noise"), node::new("Add", &["x", "noise"], "latent")],
            vec![node::new("Dropout", &["x", "ratio", "noise"], "latent")],
        ] {
            let mut graph = graph_of(nodes);
            let before = graph.clone();
            take_mean(&mut graph);
            assert_eq!(graph, before);
            let error = refuse(&graph, Path::new("x.onnx")).expect_err("random").to_string();
            assert!(error.contains("draws random numbers") && error.contains(graph.node[0].name()), "{error}");
        }
    }

    #[test]
    fn dropout_that_is_switched_off_is_no_noise() {
        let mut graph = graph_of(vec![node::new("Dropout", &["x", "ratio", "mode"], "latent")]);
        for (byte, random) in [(0, false), (1, true)] {
            graph.initializer = vec![tensor::raw("mode", DataType::Bool as i32, &[], vec![byte])];
            assert_eq!(refuse(&graph, Path::new("x.onnx")).is_err(), random);
        }
    }

    #[test]
    fn noise_inside_a_body_is_found() {
        let body = graph_of(vec![node::new("Bernoulli", &["x"], "latent")]);
        let mut branch = node::new("If", &["which"], "latent");
        branch.attribute.push(cones_onnx::attribute::graph("then_branch", body));
        assert!(refuse(&graph_of(vec![branch]), Path::new("x.onnx")).is_err());
    }
}
