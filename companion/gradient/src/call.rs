//! One node of the graph, as its rule sees it.

use std::collections::HashMap;

use cones_onnx::proto::NodeProto;
use cones_onnx::{attribute, node};

use crate::error::{Error, Result};
use crate::tape::Tape;

/// One node of the graph and the gradient of its first output.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) node: &'a NodeProto,
    /// The gradient of the first output.
    pub(super) dy: String,
    /// The gradients of its further outputs, where something came back to them; `Split` alone has such.
    pub(super) rest: Vec<Option<String>>,
    /// Which node makes a value.
    pub(super) graph: &'a Links<'a>,
}

impl Call<'_> {
    /// An input that the operator cannot do without.
    pub(super) fn input(&self, tape: &Tape, at: usize) -> Result<&str> {
        self.optional(at).ok_or_else(|| self.unsupported(tape, format!("has no input {at}")))
    }

    /// An input that may be left out.
    pub(super) fn optional(&self, at: usize) -> Option<&str> {
        self.node.input.get(at).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The first output.
    pub(super) fn output(&self, tape: &Tape) -> Result<&str> {
        let first = self.node.output.first().map(String::as_str).filter(|name| !name.is_empty());
        first.ok_or_else(|| self.unsupported(tape, "has no output"))
    }

    /// An attribute, or its default.
    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        node::int(self.node, name).unwrap_or(default)
    }

    /// An attribute, or its default.
    pub(super) fn float(&self, name: &str, default: f32) -> f32 {
        node::float(self.node, name).unwrap_or(default)
    }

    /// An attribute, or its default.
    pub(super) fn text(&self, name: &str, default: &'static str) -> &str {
        attribute::get_text(self.node, name).unwrap_or(default)
    }

    /// An axis of `rank` dimensions, counted from the end where it is negative.
    pub(super) fn axis(&self, tape: &Tape, axis: i64, rank: usize) -> Result<usize> {
        let counted = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
        let found = usize::try_from(counted).ok().filter(|axis| *axis < rank);
        found.ok_or_else(|| self.unsupported(tape, format!("has axis {axis} of {rank}")))
    }

    /// The node has a form that its rule does not cover; `reason` is a predicate.
    pub(super) fn unsupported(&self, tape: &Tape, reason: impl Into<String>) -> Error {
        cones_onnx::Error::node(tape.file(), self.node, reason).into()
    }
}

/// Who makes the values of a graph.
#[derive(Debug, Default)]
pub(super) struct Links<'a> {
    makers: HashMap<&'a str, &'a NodeProto>,
}

impl<'a> Links<'a> {
    /// The links of these nodes.
    pub(super) fn new(nodes: &'a [NodeProto]) -> Self {
        let mut links = Self::default();
        for n in nodes {
            for output in &n.output {
                links.makers.insert(output, n);
            }
        }
        links
    }

    /// The node that makes a value.
    pub(super) fn maker(&self, value: &str) -> Option<&'a NodeProto> {
        self.makers.get(value).copied()
    }
}
