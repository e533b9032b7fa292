//! The loss and its gradient from the device's own graph.

use std::collections::BTreeMap;

use cones_core::{Bundle, CancelToken, Scope};
use cones_gradient::{GradientGraph, GradientOptions, LOSSES, Sizes, TARGET, UnetGradient, WEIGHTS, unet};
use cones_onnx::graph;

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::examples::Examples;
use crate::objective::Objective;
use crate::projection::Projector;
use crate::weights::Weights;

/// A bundle's U-Net behind [`Objective`]. One graph is loaded at a time: with or without its derivative.
#[derive(Debug)]
pub struct GraphObjective<'a> {
    bundle: &'a Bundle,
    sizes: Sizes,
    options: GradientOptions,
    projector: Projector<'a>,
    /// Each prompt's pooled embedding; empty where the model has one text encoder.
    pooled: Vec<&'a [f32]>,
    loaded: Loaded,
}

#[derive(Debug)]
enum Loaded {
    Nothing,
    Derivative(Box<UnetGradient>),
    Forward(Box<GradientGraph>),
}

impl<'a> GraphObjective<'a> {
    /// Computes the base products; graphs are loaded when first needed, for batches of `batch` samples.
    ///
    /// # Errors
    /// When the prompts' embeddings do not fit the layers.
    pub fn new(
        bundle: &'a Bundle,
        examples: &'a Examples,
        base: &'a Weights,
        scope: Scope,
        batch: usize,
        options: GradientOptions,
    ) -> Result<Self> {
        let [_, height, width] = examples.shape;
        let sizes = Sizes { batch, height, width, tokens: examples.tokens };
        let projector = Projector::new(&examples.captions, examples.tokens, scope, base)?;
        let pooled = examples.captions.iter().map(|caption| caption.pooled.as_slice()).collect();
        Ok(Self { bundle, sizes, options, projector, pooled, loaded: Loaded::Nothing })
    }

    /// Puts another embedding in the place of a prompt's.
    ///
    /// # Errors
    /// As [`Projector::set_embedding`].
    pub fn set_embedding(&mut self, caption: usize, embedding: Vec<f32>) -> Result<()> {
        Ok(self.projector.set_embedding(caption, embedding)?)
    }

    /// After [`gradient`](Objective::gradient) of the same weights and batch, the gradient of the loss with respect to the
    /// embeddings of some prompts, of those that are in the batch.
    ///
    /// # Errors
    /// When there is no gradient yet, or sizes do not fit.
    pub fn embedding_gradients(
        &self,
        weights: &Weights,
        batch: &Batch,
        captions: &[usize],
    ) -> Result<BTreeMap<usize, Vec<f32>>> {
        let Loaded::Derivative(graph) = &self.loaded else { return Err(Error::NotLoaded("the derivative")) };
        let mut gradients = BTreeMap::new();
        for layer in 0..self.projector.layers() {
            let Some(columns) = weights.layers.get(layer).map(|matrix| matrix.columns) else { continue };
            for (caption, sum) in by_caption(&batch.captions, graph.gradient(layer)?) {
                if captions.contains(&caption) {
                    let zeros = || vec![0.0; self.sizes.tokens * columns];
                    let gradient: &mut Vec<f32> = gradients.entry(caption).or_insert_with(zeros);
                    self.projector.back_to_embedding(weights, layer, caption, &sum, gradient)?;
                }
            }
        }
        Ok(gradients)
    }

    /// K or V of every layer for every sample of a batch.
    fn keys_values(&self, weights: &Weights, batch: &Batch) -> Result<Vec<Vec<f32>>> {
        let by_caption = self.projector.key_values(weights, &batch.captions)?;
        let of_layer = |layer: &Vec<Vec<f32>>| -> Vec<f32> {
            batch.captions.iter().filter_map(|&caption| layer.get(caption)).flatten().copied().collect()
        };
        Ok(by_caption.iter().map(of_layer).collect())
    }

    /// The pooled embeddings of a batch's prompts; nothing where there are none.
    fn text_embeds(&self, batch: &Batch) -> Vec<f32> {
        batch.captions.iter().filter_map(|&caption| self.pooled.get(caption).copied()).flatten().copied().collect()
    }

    fn derivative(&mut self) -> Result<&mut UnetGradient> {
        if !matches!(self.loaded, Loaded::Derivative(_)) {
            // The other graph goes first: two would not fit into memory where one does.
            self.loaded = Loaded::Nothing;
            let graph = UnetGradient::new(self.bundle, self.sizes, &self.options)?;
            self.loaded = Loaded::Derivative(Box::new(graph));
        }
        match &mut self.loaded {
            Loaded::Derivative(graph) => Ok(graph),
            _ => Err(Error::NotLoaded("the derivative of the U-Net")),
        }
    }

    fn forward(&mut self) -> Result<&mut GradientGraph> {
        if !matches!(self.loaded, Loaded::Forward(_)) {
            self.loaded = Loaded::Nothing;
            let graph = forward(self.bundle, self.sizes, &self.options)?;
            self.loaded = Loaded::Forward(Box::new(graph));
        }
        match &mut self.loaded {
            Loaded::Forward(graph) => Ok(graph),
            _ => Err(Error::NotLoaded("the U-Net")),
        }
    }
}

impl Objective for GraphObjective<'_> {
    fn gradient(
        &mut self,
        weights: &Weights,
        batch: &Batch,
        gradient: &mut Weights,
        cancel: &CancelToken,
    ) -> Result<f64> {
        let keys_values = self.keys_values(weights, batch)?;
        let step = cones_gradient::Batch {
            sample: &batch.samples,
            timesteps: &batch.timesteps,
            keys_values: &keys_values,
            target: &batch.targets,
            text_embeds: &self.text_embeds(batch),
            weights: &batch.weights,
        };
        let loss = f64::from(self.derivative()?.step(&step, cancel)?);
        let Loaded::Derivative(graph) = &self.loaded else { return Err(Error::NotLoaded("the derivative")) };
        let layers = self.projector.layers().max(1);
        gradient.layers.iter_mut().for_each(|matrix| matrix.values.fill(0.0));
        for layer in 0..layers {
            let sums = by_caption(&batch.captions, graph.gradient(layer)?);
            for (subject, matrix) in gradient.layers.iter_mut().skip(layer).step_by(layers).enumerate() {
                for (&caption, sum) in &sums {
                    self.projector.back(caption, subject, sum, matrix)?;
                }
            }
        }
        Ok(loss)
    }

    fn losses(&mut self, weights: &Weights, batch: &Batch, cancel: &CancelToken) -> Result<Vec<f64>> {
        let keys_values = self.keys_values(weights, batch)?;
        let text_embeds = self.text_embeds(batch);
        let names: Vec<String> = weights.layers.iter().take(self.projector.layers()).map(|m| m.name.clone()).collect();
        let graph = self.forward()?;
        graph.set("sample", &batch.samples)?;
        graph.set("timestep", &batch.timesteps)?;
        graph.set(TARGET, &batch.targets)?;
        graph.set(WEIGHTS, &batch.weights)?;
        unet::tell_pooled(graph, &text_embeds)?;
        for (name, values) in names.iter().zip(&keys_values) {
            graph.set(name, values)?;
        }
        graph.run(cancel)?;
        Ok(graph.output(LOSSES)?.iter().copied().map(f64::from).collect())
    }
}

/// The derivatives of samples with the same prompt, summed: they meet the same embedding.
fn by_caption(captions: &[usize], derivative: &[f32]) -> BTreeMap<usize, Vec<f32>> {
    let mut sums: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    let each = derivative.len() / captions.len().max(1);
    for (&caption, part) in captions.iter().zip(derivative.chunks_exact(each.max(1))) {
        match sums.get_mut(&caption) {
            Some(sum) => sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value),
            None => drop(sums.insert(caption, part.to_vec())),
        }
    }
    sums
}

/// The graph with its losses and nothing of its derivative.
fn forward(bundle: &Bundle, sizes: Sizes, options: &GradientOptions) -> Result<GradientGraph> {
    let mut derivative = unet::derivative(bundle, &unet::graph_file(bundle, options)?, sizes, options)?;
    derivative.outputs.retain(|port| port.name == LOSSES);
    derivative.gradients.clear();
    let nodes = derivative.model.graph_mut()?;
    nodes.output.retain(|output| output.name() == LOSSES);
    graph::prune(nodes);
    // An input that nothing reads any more would be refused.
    let read: Vec<String> = nodes.input.iter().map(|input| input.name().to_owned()).collect();
    derivative.inputs.retain(|port| read.contains(&port.name));
    let mut graph = GradientGraph::load(&derivative, options)?;
    unet::tell_size(&mut graph, bundle, sizes)?;
    Ok(graph)
}
