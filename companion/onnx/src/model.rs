//! One ONNX file: its message and where its tensors' data lies.

use std::path::Path;

use prost::Message;
use prost::bytes::Bytes;

use crate::error::{Error, Result};
use crate::order;
use crate::proto::{GraphProto, ModelProto, OperatorSetIdProto};
use crate::source::Source;

/// An ONNX file, opened.
#[derive(Debug)]
pub struct Model {
    /// The message. Tensor data inside it are slices of the mapped file.
    pub proto: ModelProto,
    /// Reads the tensors' data.
    pub source: Source,
}

impl Model {
    /// Opens a file, and brings its nodes into order where they are in none. Weights are not read.
    ///
    /// # Errors
    /// When it cannot be opened, is no ONNX file, or is cut off; when its nodes depend on each other in a circle.
    pub fn open(file: &Path) -> Result<Self> {
        let bytes = Bytes::from_owner(cones_core::model::mapped::MappedFile::open(file)?);
        let mut proto = ModelProto::decode(bytes)
            .map_err(|error| Error::file(file, format!("it is damaged or cut off ({error})")))?;
        match proto.graph.as_mut() {
            Some(graph) => order::sort(graph, file)?,
            None => return Err(Error::file(file, "it holds no graph")),
        }
        Ok(Self { proto, source: Source::new(file) })
    }

    /// A copy of the graph, to be changed. Its tensors' data are not copied.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self { proto: self.proto.clone(), source: Source::new(self.source.file()) }
    }

    /// The file it was opened from.
    pub fn file(&self) -> &Path {
        self.source.file()
    }

    /// The graph, to look at.
    ///
    /// # Errors
    /// When there is none; [`Model::open`] has seen to it that there is.
    pub fn graph(&self) -> Result<&GraphProto> {
        self.proto.graph.as_ref().ok_or_else(|| Error::file(self.source.file(), "it holds no graph"))
    }

    /// The graph, to change.
    ///
    /// # Errors
    /// As [`Model::graph`].
    pub fn graph_mut(&mut self) -> Result<&mut GraphProto> {
        let file = self.source.file();
        self.proto.graph.as_mut().ok_or_else(|| Error::file(file, "it holds no graph"))
    }

    /// The version of the standard operators; 1 where the file does not say.
    pub fn opset(&self) -> i64 {
        self.proto.opset_import.iter().find(|set| is_standard(set)).map_or(1, |set| set.version())
    }

    /// Asks for another version of the standard operators, where the file says one.
    pub fn set_opset(&mut self, version: i64) {
        self.proto.opset_import.iter_mut().filter(|set| is_standard(set)).for_each(|set| set.version = Some(version));
    }

    /// Asks for the operators of another domain too, in their first version, if the file does not yet.
    pub fn import_domain(&mut self, domain: &str) {
        let sets = &mut self.proto.opset_import;
        if sets.iter().all(|set| set.domain() != domain) {
            sets.push(OperatorSetIdProto { domain: Some(domain.into()), version: Some(1) });
        }
    }

    /// Writes the message as it stands to `path`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        std::fs::write(path, self.proto.encode_to_vec()).map_err(Error::io("write", path))
    }
}

fn is_standard(set: &OperatorSetIdProto) -> bool {
    set.domain().is_empty() || set.domain() == "ai.onnx"
}
