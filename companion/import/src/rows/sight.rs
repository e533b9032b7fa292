//! What there is to see of a graph.

use std::collections::HashMap;

use cones_onnx::links::Links;
use cones_onnx::proto::tensor_proto::DataType;
use cones_onnx::proto::{GraphProto, TensorProto};
use cones_onnx::{Model, Result, node};

/// A graph, with what makes and what reads each value.
pub(super) struct Sight<'a> {
    pub(super) model: &'a Model,
    pub(super) graph: &'a GraphProto,
    pub(super) links: Links<'a>,
    constants: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(model: &'a Model) -> Result<Self> {
        let graph = model.graph()?;
        let constants = graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect();
        Ok(Self { model, graph, links: Links::new(graph), constants })
    }

    /// The initializer that a value is, or is made of by nothing but a change of type.
    pub(super) fn constant(&self, value: &str) -> Option<&'a TensorProto> {
        let stored = match self.links.maker(value) {
            Some(n) if node::has_op(n, "Cast") => n.input.first()?,
            Some(_) => return None,
            None => value,
        };
        self.constants.get(stored).copied()
    }

    /// Whether a weight is, as far as the graph says, of another type than float32.
    pub(super) fn is_other_than_float(&self, value: &str) -> bool {
        let float = Some(DataType::Float as i32);
        match self.links.maker(value) {
            Some(n) if node::has_op(n, "Cast") => node::int(n, "to") != Some(i64::from(DataType::Float as i32)),
            Some(_) => false,
            None => self.constants.get(value).is_some_and(|tensor| tensor.data_type != float),
        }
    }

    /// A constant's values, if it is a small one of real numbers.
    ///
    /// # Errors
    /// When its data cannot be read.
    pub(super) fn numbers(&self, value: &str) -> Result<Option<Vec<f32>>> {
        match self.constant(value) {
            Some(tensor) if tensor.data_type != Some(DataType::Int64 as i32) => {
                self.model.source.values(tensor).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A constant's values, if it is one of whole numbers.
    ///
    /// # Errors
    /// When its data cannot be read.
    pub(super) fn whole_numbers(&self, value: &str) -> Result<Option<Vec<i64>>> {
        match self.constant(value) {
            Some(tensor) if tensor.data_type == Some(DataType::Int64 as i32) => {
                let bytes = self.model.source.bytes(tensor)?;
                Ok(Some(bytes.as_chunks::<8>().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect()))
            }
            _ => Ok(None),
        }
    }
}
