//! Overridable initializers: weights that are listed as inputs of the graph too.
//!
//! ONNX Runtime must expect another value for such a weight in each run. So it neither folds what is computed from it nor
//! packs a copy of it, and weights that lie page-aligned in a file beside the graph stay there, mapped: pages that the
//! system may drop and read again. Nobody has to give them: without a value the weight itself is taken.

use std::collections::HashSet;

use crate::error::Result;
use crate::info::{self, Shape};
use crate::proto::{GraphProto, TensorProto};
use crate::source::Source;
use crate::tensor;

/// From this size on a weight is worth a page of its own.
pub const MIN_BYTES: u64 = 64 * 1024;

/// Lists every initializer of at least [`MIN_BYTES`] that lies in a file beside the graph as an input too, behind the
/// inputs there are. Returns how many there were. [`graph::prune`](super::graph::prune) takes the list away again.
///
/// Initializers that `constant` names are left out: those of which an operator wants to know the value when it is loaded.
///
/// # Errors
/// When an initializer's type or shape is impossible.
pub fn list(graph: &mut GraphProto, source: &Source, constant: impl Fn(&str) -> bool) -> Result<usize> {
    let inputs: HashSet<&str> = graph.input.iter().map(|input| input.name()).collect();
    let mut listed = Vec::new();
    for weight in &graph.initializer {
        if is_large(source, weight)? && !inputs.contains(weight.name()) && !constant(weight.name()) {
            listed.push(info::tensor(weight.name(), &shape(weight)));
        }
    }
    let count = listed.len();
    graph.input.extend(listed);
    Ok(count)
}

/// Whether a weight has at least [`MIN_BYTES`] and lies in a file beside the graph.
///
/// # Errors
/// When its type or shape is impossible.
pub fn is_large(source: &Source, weight: &TensorProto) -> Result<bool> {
    Ok(tensor::is_external(weight) && tensor::byte_len(source.file(), weight)? >= MIN_BYTES)
}

/// Type and shape of a weight.
pub fn shape(weight: &TensorProto) -> Shape {
    let dims = weight.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
    Shape { element: weight.data_type.unwrap_or_default(), dims }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::proto::tensor_proto::{DataLocation, DataType};
    use crate::{graph, node};

    fn weight(name: &str, dims: &[i64], external: bool) -> TensorProto {
        let data_location = external.then_some(DataLocation::External as i32);
        let data_type = Some(DataType::Float16 as i32);
        TensorProto { name: Some(name.into()), dims: dims.to_vec(), data_type, data_location, ..TensorProto::default() }
    }

    fn names(graph: &GraphProto) -> Vec<&str> {
        graph.input.iter().map(|input| input.name()).collect()
    }

    #[test]
    fn large_weights_beside_the_graph_are_listed_once_and_unlisted_again() -> Result<()> {
        let source = Source::new(Path::new("x.onnx"));
        let x = info::tensor("x", &Shape { element: DataType::Float as i32, dims: vec![1] });
        let large = [256, 128];
        let mut graph = GraphProto {
            input: vec![x],
            initializer: vec![
                weight("large", &large, true),
                weight("small", &[256, 127], true),
                weight("inside", &large, false),
                weight("wanted", &large, true),
            ],
            node: vec![node::new("Sum", &["x", "large", "small", "inside", "wanted"], "y")],
            output: vec![info::untyped("y")],
            ..GraphProto::default()
        };
        assert_eq!(list(&mut graph, &source, |name| name == "wanted")?, 1);
        assert_eq!(names(&graph), ["x", "large"]);
        assert_eq!(
            info::shape(&graph.input[1]),
            Some(Shape { element: DataType::Float16 as i32, dims: vec![256, 128] })
        );
        assert_eq!(list(&mut graph, &source, |name| name == "wanted")?, 0, "a second time");
        graph::prune(&mut graph);
        assert_eq!(names(&graph), ["x"]);
        graph.initializer[0].dims = vec![-1];
        assert!(list(&mut graph, &source, |_| false).is_err());
        Ok(())
    }
}
