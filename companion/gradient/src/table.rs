//! The table in which a text encoder looks its tokens up.

use std::path::{Path, PathBuf};

use cones_core::Bundle;
use cones_core::model::bundle::{EMBEDDING_OFFSETS, TEXT_ENCODER};
use cones_onnx::{Model, element, lookup, tensor};
use prost::bytes::Bytes;

use crate::error::{Error, Result};

pub(crate) const INPUT_IDS: &str = "input_ids";

/// The embeddings of all tokens, where they lie in the bundle's file.
#[derive(Debug)]
pub struct TokenTable {
    file: PathBuf,
    bytes: Bytes,
    element: i32,
    pub(crate) rows: usize,
    pub(crate) width: usize,
    takes_offsets: bool,
}

impl TokenTable {
    /// That of a bundle's text encoder.
    ///
    /// # Errors
    /// When the encoder does not look its tokens up in a table of floating-point numbers.
    pub fn open(bundle: &Bundle) -> Result<Self> {
        Ok(Self::find(&Model::open(&bundle.file(TEXT_ENCODER)?)?)?.1)
    }

    /// The value that the tokens' embeddings are in, and the table that they come from.
    pub(crate) fn find(model: &Model) -> Result<(String, Self)> {
        let graph = model.graph()?;
        let file = model.file();
        let none = || Error::value(file, INPUT_IDS, "is not looked up in a table of embeddings");
        let (at, table) = lookup::embedding_table(graph, INPUT_IDS).ok_or_else(none)?;
        let embeddings = graph.node.get(at).and_then(|n| n.output.first()).cloned().ok_or_else(none)?;
        let [rows, width] = match *table.dims.as_slice() {
            [rows, width] if rows > 0 && width > 0 => [rows as usize, width as usize],
            _ => {
                let reason = format!("has shape {:?}, and a table of embeddings has rows and columns", table.dims);
                return Err(Error::value(file, table.name(), reason));
            }
        };
        tensor::byte_len(file, table)?;
        let (bytes, element) = (model.source.bytes(table)?, table.data_type.unwrap_or_default());
        if !element::is_float(element) {
            let reason = format!("holds {}, which has no derivative", element::name(element));
            return Err(Error::value(file, table.name(), reason));
        }
        let takes_offsets = graph.input.iter().any(|input| input.name() == EMBEDDING_OFFSETS);
        Ok((embeddings, Self { file: file.to_path_buf(), bytes, element, rows, width, takes_offsets }))
    }

    /// The text encoder's file, for messages.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Numbers in the embedding of one token.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether the encoder can add something to the embeddings: bundles from before learned words cannot.
    pub fn takes_offsets(&self) -> bool {
        self.takes_offsets
    }

    /// The embedding of a token.
    ///
    /// # Errors
    /// When the table has no such row.
    pub fn row(&self, id: u32) -> Result<Vec<f32>> {
        let fault = || Error::value(&self.file, INPUT_IDS, format!("is {id}, and the table has {} rows", self.rows));
        let at = usize::try_from(id).ok().filter(|id| *id < self.rows).ok_or_else(fault)?;
        let each = self.bytes.len() / self.rows;
        let row = self.bytes.get(at * each..(at + 1) * each).ok_or_else(fault)?;
        element::to_f32(row, self.element, self.width).ok_or_else(fault)
    }

    pub(crate) fn scale(&self) -> Result<f64> {
        let mut sum = 0.0;
        // Row by row: the whole table as float32 may take more memory than it is worth.
        for id in 0..self.rows {
            let row = self.row(u32::try_from(id).unwrap_or(u32::MAX))?;
            sum += row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        }
        Ok((sum / (self.rows * self.width) as f64).sqrt())
    }
}
