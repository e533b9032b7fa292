//! The U-Net in the denoise loop: K and V bound once, sample and timestep at each step.

use std::time::{Duration, Instant};

use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::IoBinding;
use ort::value::{Tensor, TensorElementType};

use crate::attention::KeyValues;
use crate::attention::bias::AttentionBias;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::memory::pages;
use crate::model::bundle::{Bundle, ENCODER_ATTENTION_MASK, TEXT_EMBEDS, TIME_IDS};
use crate::model::manifest::Layer;
use crate::runtime::session::{Graph, first_f32};

const SAMPLE: &str = "sample";
const TIMESTEP: &str = "timestep";
const GUIDANCE: &str = "timestep_cond";

/// One request's U-Net calls.
pub(crate) struct UNet<'g> {
    graph: &'g mut Graph,
    binding: IoBinding,
    /// K and V of each run of a step, by layer, and behind them the pooled embedding, the mask over tokens and the bias, where there
    /// is one: of all branches together, or of one after another.
    runs: Vec<Vec<Tensor<f32>>>,
    /// The inputs' names.
    names: Vec<String>,
    /// `batch × channels × height × width`; in each of the batch the noisy latent comes first, then what stays.
    sample: Tensor<f32>,
    timestep: (TensorElementType, Vec<usize>),
    /// Samples in one run.
    batch: usize,
    /// Branches in all runs: fewer than their samples where the last run is filled up.
    branches: usize,
    /// Time spent inside ONNX Runtime.
    pub(crate) inside: Duration,
}

impl<'g> UNet<'g> {
    /// Binds the K and V of each branch (negative prompt first when guided) to a graph that is loaded for `batch` of them
    /// at once. A run that has fewer is filled up with the last of them.
    ///
    /// `latent` is `[channels, height, width]`; what the U-Net takes `beside` it, in further channels, is the same in every step.
    pub(crate) fn new(
        graph: &'g mut Graph,
        bundle: &Bundle,
        (branches, bias): (&[&KeyValues], &AttentionBias<'_>),
        batch: usize,
        (latent, beside): ([usize; 3], &[f32]),
    ) -> Result<Self> {
        let stage = || Error::runtime("binding the inputs of the U-Net");
        let (ty, shape) = graph.input(TIMESTEP)?;
        let shape: Vec<usize> = shape.iter().map(|&d| usize::try_from(d).unwrap_or(batch)).collect();
        if shape.iter().any(|&d| d != 1 && d != batch) || shape.len() > 1 {
            let reason = format!("its `{TIMESTEP}` has shape {shape:?} for a batch of {batch}");
            return Err(Error::bundle(crate::model::bundle::UNET, reason));
        }
        graph.input(SAMPLE)?;
        let mut binding = graph.session.create_binding().map_err(Error::runtime("binding the U-Net"))?;
        let layers = &bundle.manifest().layers;
        let pooled = bundle.manifest().text_2.map(|_| TEXT_EMBEDS.to_owned());
        let mask = bundle.manifest().takes_mask().then(|| ENCODER_ATTENTION_MASK.to_owned());
        let others = pooled.into_iter().chain(mask).chain(bias.names());
        let names: Vec<String> = layers.iter().map(|layer| layer.name.clone()).chain(others).collect();
        names.iter().try_for_each(|name| graph.input(name).map(drop))?;
        let batch = batch.max(1);
        let numbers: Vec<usize> = (0..branches.len()).collect();
        let filled = |together: &[usize]| {
            let last = together.last().copied().into_iter();
            let numbers: Vec<usize> = together.iter().copied().chain(last.cycle()).take(batch).collect();
            let all: Vec<_> = numbers.iter().filter_map(|number| branches.get(*number).copied()).collect();
            let mut tensors = tensors(layers, &all)?;
            tensors.extend(bias_tensors(bias, &numbers)?);
            Ok(tensors)
        };
        let runs = numbers.chunks(batch).map(filled).collect::<Result<Vec<_>>>()?;
        bind(&mut binding, &names, runs.first())?;
        let memory =
            MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput).map_err(stage())?;
        let output = graph.session.outputs().first().map(|o| o.name().to_owned());
        let output = output.ok_or_else(|| Error::bundle(bundle.path(), "its U-Net has no output"))?;
        binding.bind_output_to_device(output, &memory).map_err(stage())?;
        let [channels, height, width] = latent;
        let cells = height * width;
        let mut one = vec![0.0f32; channels * cells];
        one.extend_from_slice(beside);
        let channels = one.len() / cells.max(1);
        let sample = Tensor::from_array(([batch, channels, height, width], one.repeat(batch))).map_err(stage())?;
        let timestep = (ty, shape);
        let branches = branches.len();
        Ok(Self { graph, binding, runs, names, sample, timestep, batch, branches, inside: Duration::ZERO })
    }

    /// Binds the embedding of the guidance scale, the same for every branch and step, where the U-Net takes that.
    pub(crate) fn tell_guidance(&mut self, embedding: &[f32]) -> Result<()> {
        self.tell(GUIDANCE, embedding)
    }

    /// Binds the picture's sizes in the same way.
    pub(crate) fn tell_size(&mut self, time_ids: &[f32]) -> Result<()> {
        self.tell(TIME_IDS, time_ids)
    }

    fn tell(&mut self, name: &str, values: &[f32]) -> Result<()> {
        let stage = || Error::runtime(format!("binding `{name}` of the U-Net"));
        self.graph.input(name)?;
        let tensor = Tensor::from_array(([self.batch, values.len()], values.repeat(self.batch))).map_err(stage())?;
        self.binding.bind_input(name, &tensor).map_err(stage())
    }

    /// Runs the U-Net on one latent, the same for every branch, and writes the branches' outputs one after another.
    pub(crate) fn predict(
        &mut self,
        latent: &[f32],
        timestep: f32,
        out: &mut Vec<f32>,
        cancel: &CancelToken,
    ) -> Result<()> {
        let stage = || Error::runtime("running the U-Net");
        {
            let (_, values) = self.sample.try_extract_tensor_mut::<f32>().map_err(stage())?;
            for branch in values.chunks_exact_mut(values.len() / self.batch) {
                branch[..latent.len()].copy_from_slice(latent);
            }
        }
        self.binding.bind_input(SAMPLE, &self.sample).map_err(stage())?;
        self.bind_timestep(timestep)?;
        out.clear();
        for run in 0..self.runs.len() {
            // One run alone is bound already.
            if self.runs.len() > 1 {
                bind(&mut self.binding, &self.names, self.runs.get(run))?;
            }
            let values = self.run(cancel)?;
            if self.runs.len() == 1 { *out = values } else { out.extend(values) }
        }
        let expected = self.runs.len() * self.batch * latent.len();
        if out.len() == expected {
            out.truncate(self.branches * latent.len());
            Ok(())
        } else {
            let reason = format!("its U-Net gave {} values instead of {expected}", out.len());
            Err(Error::bundle(crate::model::bundle::UNET, reason))
        }
    }

    fn run(&mut self, cancel: &CancelToken) -> Result<Vec<f32>> {
        let Self { graph, binding, inside, .. } = self;
        let Graph { session, weights, .. } = &mut **graph;
        cancel.guard(|options| {
            pages::run_with_few(weights, || {
                let start = Instant::now();
                let outputs = session.run_binding_with_options(binding, options);
                let outputs = outputs.map_err(Error::runtime("running the U-Net"))?;
                *inside += start.elapsed();
                Ok(first_f32(crate::model::bundle::UNET, &outputs)?.1)
            })
        })
    }

    fn bind_timestep(&mut self, timestep: f32) -> Result<()> {
        let stage = || Error::runtime("binding the timestep of the U-Net");
        let (ty, shape) = &self.timestep;
        let count: usize = shape.iter().product();
        match ty {
            TensorElementType::Int64 => {
                // Exporters that fix the type to int64 take whole training steps only, as Stable Diffusion's do.
                let values = vec![timestep.round() as i64; count];
                let tensor = Tensor::from_array((shape.clone(), values)).map_err(stage())?;
                self.binding.bind_input(TIMESTEP, &tensor).map_err(stage())
            }
            TensorElementType::Float32 => {
                let tensor = Tensor::from_array((shape.clone(), vec![timestep; count])).map_err(stage())?;
                self.binding.bind_input(TIMESTEP, &tensor).map_err(stage())
            }
            other => Err(Error::bundle(crate::model::bundle::UNET, format!("its timestep has type {other}"))),
        }
    }
}

/// K and V of branches that run together, for each layer [branches, tokens, rows], then their pooled embeddings and their masks over
/// tokens, if any.
fn tensors(layers: &[Layer], branches: &[&KeyValues]) -> Result<Vec<Tensor<f32>>> {
    let batch = branches.len();
    let stage = || Error::runtime("making K and V of the U-Net");
    let each = layers.iter().enumerate().map(|(i, layer)| {
        let rows = layer.rows as usize;
        let mut values = Vec::new();
        for branch in branches {
            values.extend_from_slice(branch.layers.get(i).map_or(&[], Vec::as_slice));
        }
        let tokens = values.len() / (rows * batch).max(1);
        Tensor::from_array(([batch, tokens, rows], values)).map_err(stage())
    });
    let mut all = each.collect::<Result<Vec<_>>>()?;
    let further: [fn(&KeyValues) -> &Vec<f32>; 2] =
        [|branch| &branch.text_embeds, |branch| &branch.encoder_attention_mask];
    for of in further {
        let values: Vec<f32> = branches.iter().flat_map(|branch| of(branch)).copied().collect();
        if !values.is_empty() {
            all.push(Tensor::from_array(([batch, values.len() / batch.max(1)], values)).map_err(stage())?);
        }
    }
    Ok(all)
}

/// The bias of branches that run together, for each of the graph's inputs [branches, 1, places, tokens].
fn bias_tensors(bias: &AttentionBias<'_>, branches: &[usize]) -> Result<Vec<Tensor<f32>>> {
    let each = bias.downsamplings.iter().map(|downsampling| {
        let values: Vec<f32> = branches.iter().flat_map(|branch| bias.values(*branch, *downsampling)).collect();
        let shape = [branches.len(), 1, bias.places(*downsampling), bias.tokens];
        Tensor::from_array((shape, values)).map_err(Error::runtime("making the attention bias of the U-Net"))
    });
    each.collect()
}

fn bind(binding: &mut IoBinding, names: &[String], tensors: Option<&Vec<Tensor<f32>>>) -> Result<()> {
    for (name, tensor) in names.iter().zip(tensors.into_iter().flatten()) {
        binding.bind_input(name, tensor).map_err(Error::runtime("binding K and V of the U-Net"))?;
    }
    Ok(())
}
