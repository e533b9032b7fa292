//! What there is to see of a graph.

use std::collections::HashMap;

use crate::onnx::proto::tensor_proto::DataType;
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto};
use crate::onnx::{Model, Result, node};

/// A graph, with what makes and what reads each value.
pub(super) struct Sight<'a> {
    pub(super) model: &'a Model,
    pub(super) graph: &'a GraphProto,
    makers: HashMap<&'a str, usize>,
    readers: HashMap<&'a str, Vec<usize>>,
    constants: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(model: &'a Model) -> Result<Self> {
        let graph = model.graph()?;
        let (mut makers, mut readers) = (HashMap::new(), HashMap::<&str, Vec<usize>>::new());
        for (at, n) in graph.node.iter().enumerate() {
            makers.extend(n.output.iter().map(|output| (output.as_str(), at)));
            for read in node::reads(n) {
                readers.entry(read).or_default().push(at);
            }
        }
        let constants = graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect();
        Ok(Self { model, graph, makers, readers, constants })
    }

    /// The node that makes a value.
    pub(super) fn maker(&self, value: &str) -> Option<&'a NodeProto> {
        self.graph.node.get(self.maker_at(value)?)
    }

    /// Its position.
    pub(super) fn maker_at(&self, value: &str) -> Option<usize> {
        self.makers.get(value).copied()
    }

    /// The positions of the nodes that read a value.
    pub(super) fn readers(&self, value: &str) -> &[usize] {
        self.readers.get(value).map_or(&[], Vec::as_slice)
    }

    /// Whether the caller gets a value.
    pub(super) fn is_output(&self, value: &str) -> bool {
        self.graph.output.iter().any(|output| output.name() == value)
    }

    /// The position of the one node that reads a value, if nothing else does.
    pub(super) fn only_reader(&self, value: &str) -> Option<usize> {
        match self.readers(value) {
            [at] if !self.is_output(value) => Some(*at),
            _ => None,
        }
    }

    /// The initializer that a value is, or is made of by nothing but a change of type.
    pub(super) fn constant(&self, value: &str) -> Option<&'a TensorProto> {
        let stored = match self.maker(value) {
            Some(n) if node::is(n, "Cast") => n.input.first()?,
            Some(_) => return None,
            None => value,
        };
        self.constants.get(stored).copied()
    }

    /// Whether a weight is, as far as the graph says, of another type than float32.
    pub(super) fn is_other_than_float(&self, value: &str) -> bool {
        let float = Some(DataType::Float as i32);
        match self.maker(value) {
            Some(n) if node::is(n, "Cast") => node::int(n, "to") != Some(i64::from(DataType::Float as i32)),
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
