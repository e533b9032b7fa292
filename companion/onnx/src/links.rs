//! What makes and what reads each value of a graph.

use std::collections::HashMap;

use crate::node;
use crate::proto::{GraphProto, NodeProto};

/// A graph with the makers and readers of its values, by position of their nodes.
#[derive(Debug)]
pub struct Links<'a> {
    graph: &'a GraphProto,
    makers: HashMap<&'a str, usize>,
    readers: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Links<'a> {
    /// The links of a graph as it stands.
    pub fn new(graph: &'a GraphProto) -> Self {
        let (mut makers, mut readers) = (HashMap::new(), HashMap::<&str, Vec<usize>>::new());
        for (at, n) in graph.node.iter().enumerate() {
            makers.extend(n.output.iter().map(|output| (output.as_str(), at)));
            for read in node::reads(n) {
                readers.entry(read).or_default().push(at);
            }
        }
        Self { graph, makers, readers }
    }

    /// The node that makes a value.
    pub fn maker(&self, value: &str) -> Option<&'a NodeProto> {
        self.graph.node.get(self.maker_at(value)?)
    }

    /// The position of the node that makes a value.
    pub fn maker_at(&self, value: &str) -> Option<usize> {
        self.makers.get(value).copied()
    }

    /// The positions of the nodes that read a value.
    pub fn readers(&self, value: &str) -> &[usize] {
        self.readers.get(value).map_or(&[], Vec::as_slice)
    }

    /// Whether the caller gets a value.
    pub fn is_output(&self, value: &str) -> bool {
        self.graph.output.iter().any(|output| output.name() == value)
    }

    /// The position of the one node that reads a value, if nothing else does.
    pub fn only_reader(&self, value: &str) -> Option<usize> {
        match self.readers(value) {
            [at] if !self.is_output(value) => Some(*at),
            _ => None,
        }
    }
}
