//! The derivative of a bundle's U-Net with respect to the K and V of its cross-attention layers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cones_core::model::bundle::{TEXT_EMBEDS, TIME_IDS, UNET, UNET_PLAIN};
use cones_core::{Bundle, CancelToken, MicroConditions};
use cones_onnx::Model;
use cones_onnx::info::{self, Shape};

use crate::error::{Error, Result};
use crate::footprint::Footprint;
use crate::objective::{LOSS, LOSSES, Objective, TARGET, WEIGHTS};
use crate::reverse::differentiate;
use crate::session::{GradientGraph, GradientOptions};
use crate::spec::{DerivativeSpec, Differentiated};

const SAMPLE: &str = "sample";
const TIMESTEP: &str = "timestep";

/// The sizes a derivative is made for. Another size takes another derivative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Samples in one step.
    pub batch: usize,
    /// Rows of the latent.
    pub height: usize,
    /// Columns of the latent.
    pub width: usize,
    /// Tokens of a prompt.
    pub tokens: usize,
}

/// One step's numbers, all row-major.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Noisy latents [batch, channels, height, width].
    pub sample: &'a [f32],
    /// Training timesteps, `[batch]`.
    pub timesteps: &'a [f32],
    /// For each layer of the bundle, in its order, K or V [batch, tokens, rows].
    pub keys_values: &'a [Vec<f32>],
    /// What the U-Net should have said: noise or velocity, as the bundle's `prediction_type` has it. Shaped as `sample`.
    pub target: &'a [f32],
    /// The prompts' pooled embeddings [batch, projection_dim], of models with two text encoders; else nothing.
    pub text_embeds: &'a [f32],
    /// How much each sample counts, `[batch]`. The loss is Σᵢ weightᵢ · mean over elements of (predictionᵢ - targetᵢ)².
    pub weights: &'a [f32],
}

/// Loss and gradients of a bundle's U-Net, at one set of sizes.
#[derive(Debug)]
pub struct UnetGradient {
    graph: GradientGraph,
    /// Name of each layer's K or V input, and of its gradient.
    layers: Vec<(String, String)>,
}

impl UnetGradient {
    /// Differentiates and loads the graph of `bundle` that the provider runs best.
    ///
    /// # Errors
    /// As [`differentiate`] and [`GradientGraph::load`].
    pub fn new(bundle: &Bundle, sizes: Sizes, settings: &GradientOptions) -> Result<Self> {
        Self::of_file(bundle, &graph_file(bundle, settings)?, sizes, settings)
    }

    /// Differentiates the U-Net in the file `graph` of the bundle.
    ///
    /// # Errors
    /// As [`UnetGradient::new`].
    pub fn of_file(bundle: &Bundle, file: &Path, sizes: Sizes, settings: &GradientOptions) -> Result<Self> {
        let derivative = derivative(bundle, file, sizes, settings)?;
        let layers = bundle.manifest().layers.iter().map(|layer| layer.name.clone());
        let layers = layers.zip(&derivative.gradients).map(|(layer, port)| (layer, port.name.clone())).collect();
        let mut graph = GradientGraph::load(&derivative, settings)?;
        tell_size(&mut graph, bundle, sizes)?;
        Ok(Self { graph, layers })
    }

    /// Runs one step and returns the loss. Gradients stay until the next step.
    ///
    /// # Errors
    /// When a list has another length than its shape asks for; [`cones_core::Error::Cancelled`]; what ONNX Runtime says.
    pub fn step(&mut self, batch: &Batch<'_>, cancel: &CancelToken) -> Result<f32> {
        self.graph.set(SAMPLE, batch.sample)?;
        self.set_timesteps(batch.timesteps)?;
        self.graph.set(TARGET, batch.target)?;
        self.graph.set(WEIGHTS, batch.weights)?;
        tell_pooled(&mut self.graph, batch.text_embeds)?;
        if batch.keys_values.len() != self.layers.len() {
            let (given, wanted) = (batch.keys_values.len(), self.layers.len());
            let reason = format!("has {given} layers, and the U-Net has {wanted}");
            return Err(cones_core::Error::request("keys_values", reason).into());
        }
        for ((layer, _), values) in self.layers.iter().zip(batch.keys_values) {
            self.graph.set(layer, values)?;
        }
        self.graph.run(cancel)?;
        Ok(self.graph.output(LOSS)?.first().copied().unwrap_or(f32::NAN))
    }

    /// The last step's loss of each sample, unweighted: the mean over elements of the squared difference.
    ///
    /// # Errors
    /// When ONNX Runtime does not give it.
    pub fn losses(&self) -> Result<&[f32]> {
        self.graph.output(LOSSES)
    }

    /// The last step's gradient of the loss with respect to the K or V of a layer, [batch, tokens, rows].
    ///
    /// # Errors
    /// When there is no such layer.
    pub fn gradient(&self, layer: usize) -> Result<&[f32]> {
        let Some((_, gradient)) = self.layers.get(layer) else {
            let reason = format!("{layer} is none of the {} layers", self.layers.len());
            return Err(cones_core::Error::request("layer", reason).into());
        };
        self.graph.output(gradient)
    }

    /// The provider it runs on.
    pub fn provider(&self) -> cones_core::ExecutionProvider {
        self.graph.provider()
    }

    /// Some exports take one timestep for the whole batch.
    fn set_timesteps(&mut self, timesteps: &[f32]) -> Result<()> {
        let one = self.graph.inputs().find(|port| port.name == TIMESTEP).is_some_and(|port| port.shape.count() == 1);
        match timesteps.first() {
            Some(first) if one && timesteps.iter().all(|t| t == first) => self.graph.set(TIMESTEP, &[*first]),
            _ => self.graph.set(TIMESTEP, timesteps),
        }
    }
}

/// Fills what a U-Net with two text encoders is told of the picture's size, once for all: that of the latents. Nothing for others.
///
/// # Errors
/// When a picture of these sizes cannot be.
pub fn tell_size(graph: &mut GradientGraph, bundle: &Bundle, sizes: Sizes) -> Result<()> {
    if !graph.inputs().any(|port| port.name == TIME_IDS) {
        return Ok(());
    }
    let scale = bundle.manifest().latent.scale;
    let pixels = |cells: usize| u32::try_from(cells).unwrap_or(u32::MAX).saturating_mul(scale);
    let ids = MicroConditions::default().time_ids(pixels(sizes.width), pixels(sizes.height))?;
    graph.set(TIME_IDS, &ids.repeat(sizes.batch))
}

/// Fills the prompts' pooled embeddings [batch, projection_dim] of such a U-Net. Nothing for others.
///
/// # Errors
/// When they have another length.
pub fn tell_pooled(graph: &mut GradientGraph, text_embeds: &[f32]) -> Result<()> {
    if graph.inputs().any(|port| port.name == TEXT_EMBEDS) { graph.set(TEXT_EMBEDS, text_embeds) } else { Ok(()) }
}

/// What a step of these sizes needs in memory, from shapes alone; nothing is loaded or run.
///
/// # Errors
/// As [`differentiate`].
pub fn footprint(bundle: &Bundle, sizes: Sizes, settings: &GradientOptions) -> Result<Footprint> {
    let file = graph_file(bundle, settings)?;
    Footprint::new(&derivative(bundle, &file, sizes, settings)?, settings.memory)
}

/// The graph that the provider runs best.
///
/// # Errors
/// When the bundle has no such file.
pub fn graph_file(bundle: &Bundle, settings: &GradientOptions) -> Result<PathBuf> {
    let has_plain = bundle.manifest().files.contains_key(UNET_PLAIN);
    let name = if settings.provider.takes_fused_graph() || !has_plain { UNET } else { UNET_PLAIN };
    Ok(bundle.file(name)?)
}

/// The derivative of a bundle's U-Net, not loaded.
///
/// # Errors
/// As [`differentiate`].
pub fn derivative(bundle: &Bundle, file: &Path, sizes: Sizes, settings: &GradientOptions) -> Result<Differentiated> {
    let model = Model::open(file)?;
    let layers = &bundle.manifest().layers;
    let plan = DerivativeSpec {
        inputs: inputs(&model, bundle, sizes)?,
        values: layers.iter().map(|layer| layer.name.clone()).collect(),
        objective: Objective::MeanSquares,
        memory: settings.memory,
        blocks: settings.blocks(),
    };
    differentiate(model, &plan)
}

/// The dimensions of the inputs of a bundle's U-Net, at one set of sizes.
///
/// # Errors
/// When the graph takes no timestep, or another number of samples in a run.
pub fn inputs(model: &Model, bundle: &Bundle, sizes: Sizes) -> Result<BTreeMap<String, Vec<usize>>> {
    let Sizes { batch, height, width, tokens } = sizes;
    if [batch, height, width, tokens].contains(&0) {
        return Err(cones_core::Error::request("sizes", format!("{sizes:?}: none of them may be zero")).into());
    }
    let manifest = bundle.manifest();
    if manifest.takes_region() {
        let reason = format!(
            "`{}` is a model for inpainting, whose U-Net takes a region and the picture around it too: subjects are found on \
             models that take a noisy latent alone",
            manifest.name
        );
        return Err(cones_core::Error::request("bundle", reason).into());
    }
    if manifest.given_text.is_some() {
        let reason = format!(
            "`{}` has no text encoder, and subjects are found by words: on models that read prompts",
            manifest.name
        );
        return Err(cones_core::Error::request("bundle", reason).into());
    }
    if manifest.time_cond_proj_dim.is_some() {
        let reason = format!(
            "`{}` is a latent consistency model, whose U-Net takes the guidance scale as an input (`timestep_cond`) and does not \
             predict noise: subjects are found on models that do",
            manifest.name
        );
        return Err(cones_core::Error::request("bundle", reason).into());
    }
    if let Some(fixed) = manifest.fixed.batch.filter(|fixed| u32::try_from(batch) != Ok(*fixed)) {
        let reason = format!("is {batch}; the U-Net of `{}` was exported for {fixed} alone", manifest.name);
        return Err(cones_core::Error::request("batch", reason).into());
    }
    let is_input = |name: &str| model.graph().is_ok_and(|graph| graph.input.iter().any(|input| input.name() == name));
    if let Some(layer) = manifest.layers.iter().find(|layer| !is_input(&layer.name)) {
        let reason =
            "is no input of the graph: `cones import` makes K and V inputs, and this graph never went through it";
        return Err(Error::value(model.file(), &layer.name, reason));
    }
    let mut inputs = BTreeMap::new();
    inputs.insert(SAMPLE.to_owned(), vec![batch, manifest.latent.channels as usize, height, width]);
    let timestep = model.graph()?.input.iter().find(|input| input.name() == TIMESTEP);
    let timestep = timestep.ok_or_else(|| Error::value(model.file(), TIMESTEP, "is no input of the graph"))?;
    // [batch], a single number, or one fixed number in a list.
    let dims = match (info::rank(timestep), info::shape(timestep)) {
        (_, Some(Shape { dims, .. })) => dims,
        (Some(0), _) => vec![],
        _ => vec![batch],
    };
    inputs.insert(TIMESTEP.to_owned(), dims);
    if let Some(second) = &manifest.text_2 {
        inputs.insert(TEXT_EMBEDS.to_owned(), vec![batch, second.projection_dim as usize]);
        inputs.insert(TIME_IDS.to_owned(), vec![batch, MicroConditions::TIME_IDS]);
    }
    for layer in &manifest.layers {
        inputs.insert(layer.name.clone(), vec![batch, tokens, layer.rows as usize]);
    }
    Ok(inputs)
}
