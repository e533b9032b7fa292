//! The derivative of a bundle's text encoder with respect to its token embeddings, for learning the embedding of a new
//! word (Textual Inversion, Gal et al. 2022).
//!
//! The rows of the table that the encoder looks its tokens up in become an input of the graph, and what comes back from
//! the U-Net is given as the gradient of the last hidden state.

use std::collections::BTreeMap;

use cones_core::model::bundle::{EMBEDDING_OFFSETS, TEXT_ENCODER};
use cones_core::{Bundle, CancelToken};
use cones_onnx::{Model, graph};

use crate::error::{Error, Result};
use crate::footprint::Footprint;
use crate::objective::{COTANGENT, Objective};
use crate::reverse::differentiate;
use crate::session::{GradientGraph, GradientOptions};
use crate::spec::{DerivativeSpec, Differentiated};
use crate::table::{INPUT_IDS, TokenTable};

/// Last hidden state and gradients of a bundle's text encoder, for one number of prompts.
#[derive(Debug)]
pub struct TextGradient {
    graph: GradientGraph,
    table: TokenTable,
    /// Prompts and tokens of each.
    shape: [usize; 2],
    embeddings: String,
    hidden_state: String,
    gradient: String,
    /// Some encoders look at the ids themselves, too.
    reads_ids: bool,
}

impl TextGradient {
    /// Differentiates and loads the text encoder of `bundle` for `batch` prompts of the bundle's length.
    ///
    /// # Errors
    /// As [`differentiate`] and [`GradientGraph::load`]; when the encoder does not look its tokens up in a table.
    pub fn new(bundle: &Bundle, batch: usize, settings: &GradientOptions) -> Result<Self> {
        let tokens = bundle.manifest().text.max_length as usize;
        let (derivative, embeddings, table) = derivative(bundle, batch, settings)?;
        let name = |ports: &[crate::spec::Port]| ports.first().map(|port| port.name.clone());
        let (hidden_state, gradient) = (name(&derivative.outputs), name(&derivative.gradients));
        let missing = || Error::value(derivative.model.file(), &embeddings, "has no gradient");
        let (hidden_state, gradient) = (hidden_state.ok_or_else(missing)?, gradient.ok_or_else(missing)?);
        let reads_ids = derivative.inputs.iter().any(|port| port.name == INPUT_IDS);
        let graph = GradientGraph::load(&derivative, settings)?;
        Ok(Self { graph, table, shape: [batch, tokens], embeddings, hidden_state, gradient, reads_ids })
    }

    /// Numbers in the embedding of one token.
    pub fn width(&self) -> usize {
        self.table.width
    }

    /// The root mean square of the table's numbers, by which a change of an embedding is large or small.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn scale(&self) -> Result<f64> {
        self.table.scale()
    }

    /// The encoder's own embedding of one token.
    ///
    /// # Errors
    /// When the table has no such row.
    pub fn embedding(&self, id: u32) -> Result<Vec<f32>> {
        self.table.row(id)
    }

    /// The encoder's own embeddings of tokens, [tokens, width].
    ///
    /// # Errors
    /// When the table has no row for one of them.
    pub fn embeddings(&self, ids: &[u32]) -> Result<Vec<f32>> {
        let rows = ids.iter().map(|id| self.table.row(*id)).collect::<Result<Vec<_>>>()?;
        Ok(rows.concat())
    }

    /// Encodes `ids` [batch, tokens] with `embeddings` [batch, tokens, width], which may differ from the table's, and
    /// takes `cotangent`, the gradient at the last hidden state and shaped as that, back to the embeddings. Both
    /// results stay until the next step.
    ///
    /// # Errors
    /// When a list has another length than its shape asks for; [`cones_core::Error::Cancelled`]; what ONNX Runtime says.
    pub fn step(&mut self, ids: &[u32], embeddings: &[f32], cotangent: &[f32], cancel: &CancelToken) -> Result<()> {
        let [batch, tokens] = self.shape;
        if ids.len() != batch * tokens {
            let reason = format!("holds {} tokens, and {batch} prompts of {tokens} are wanted", ids.len());
            return Err(cones_core::Error::request("ids", reason).into());
        }
        if self.reads_ids {
            // Every number that a table's row can have is one that float32 can hold.
            let whole: Vec<f32> = ids.iter().map(|id| *id as f32).collect();
            self.graph.set(INPUT_IDS, &whole)?;
        }
        self.graph.set(&self.embeddings, embeddings)?;
        self.graph.set(COTANGENT, cotangent)?;
        self.graph.run(cancel)
    }

    /// The last step's last hidden state, [batch, tokens, hidden].
    ///
    /// # Errors
    /// When ONNX Runtime does not give it.
    pub fn hidden_state(&self) -> Result<&[f32]> {
        self.graph.output(&self.hidden_state)
    }

    /// The last step's gradient with respect to the embeddings, [batch, tokens, width].
    ///
    /// # Errors
    /// When ONNX Runtime does not give it.
    pub fn gradient(&self) -> Result<&[f32]> {
        self.graph.output(&self.gradient)
    }

    /// The last step's gradient with respect to one token's row of the table: the sum over the places of `ids` where
    /// that token stands.
    ///
    /// # Errors
    /// As [`TextGradient::gradient`].
    pub fn row_gradient(&self, ids: &[u32], id: u32) -> Result<Vec<f32>> {
        let mut sum = vec![0.0; self.table.width];
        let rows = ids.iter().zip(self.gradient()?.chunks_exact(self.table.width.max(1)));
        for (_, row) in rows.filter(|(own, _)| **own == id) {
            sum.iter_mut().zip(row).for_each(|(sum, part)| *sum += part);
        }
        Ok(sum)
    }
}

/// What a step takes in memory, from shapes alone.
///
/// # Errors
/// As [`TextGradient::new`].
pub fn footprint(bundle: &Bundle, batch: usize, settings: &GradientOptions) -> Result<Footprint> {
    Footprint::new(&derivative(bundle, batch, settings)?.0, settings.memory)
}

/// The derivative, not loaded; the value that embeddings are in; the table that they come from.
fn derivative(
    bundle: &Bundle,
    batch: usize,
    settings: &GradientOptions,
) -> Result<(Differentiated, String, TokenTable)> {
    let tokens = bundle.manifest().text.max_length as usize;
    if batch == 0 {
        return Err(cones_core::Error::request("batch", "it may not be zero").into());
    }
    let mut model = Model::open(&bundle.file(TEXT_ENCODER)?)?;
    // What earlier layers give plays no part.
    model.graph_mut()?.output.truncate(1);
    graph::prune(model.graph_mut()?);
    let (embeddings, table) = TokenTable::find(&model)?;
    let mut inputs = BTreeMap::from([(INPUT_IDS.to_owned(), vec![batch, tokens])]);
    // Embeddings are given whole: what a bundle can add to them stays zero, as all inputs are at first.
    if model.graph()?.input.iter().any(|input| input.name() == EMBEDDING_OFFSETS) {
        inputs.insert(EMBEDDING_OFFSETS.to_owned(), vec![batch, tokens, table.width]);
    }
    let plan = DerivativeSpec {
        inputs,
        values: vec![embeddings.clone()],
        objective: Objective::Cotangent,
        memory: settings.memory,
        blocks: settings.blocks(),
    };
    Ok((differentiate(model, &plan)?, embeddings, table))
}
