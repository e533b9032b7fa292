//! What an import is asked for.

use std::path::PathBuf;

use cones_core::Style;
use cones_core::sampling::scheduler::Scheduler;

use crate::merge::Merged;
use crate::storage::Storage;

/// What is imported, from where and to where.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Folder with `text_encoder.onnx`, `unet.onnx`, `vae_decoder.onnx` and `vae_encoder.onnx`, or with a `model.onnx` in a folder
    /// of each of these names.
    pub onnx: PathBuf,
    /// Folder with a `unet.onnx` (or `unet/model.onnx`) without fused nodes, for CoreML and NNAPI; it shares the weights of the other.
    pub plain: Option<PathBuf>,
    /// What was exported: a diffusers folder with configurations, tokenizer and the U-Net's safetensors, or one
    /// safetensors file that holds a U-Net, in diffusers' names or in those of Stable Diffusion's first publication.
    pub weights: PathBuf,
    /// Folder with configurations and tokenizer as in a diffusers folder; where there is none, `weights`, or, if that is
    /// a file, `onnx`.
    pub config: Option<PathBuf>,
    /// Folder to write the bundle to.
    pub out: PathBuf,
    /// Short name of the model; the name of the folder `out` where there is none.
    pub name: Option<String>,
    /// Licence of the weights, as an SPDX expression or a sentence.
    pub licence: String,
    /// LoRAs that are merged into the weights, which makes another base model of them.
    pub merge: Vec<Merged>,
    /// How weights are kept.
    pub storage: Storage,
    /// Whether a bundle that stands at `out` is replaced.
    pub replace: bool,
    /// Guidance scale where a request names none: a number, 0 or more. If this is none, what suits the model's scheduler:
    /// 7.5, 1 for a model that was distilled for few steps, and 8.5 where its U-Net takes the scale as an input.
    pub guidance: Option<f32>,
    /// Scheduler where a request names none. If this is none, that of the model's configuration or the one most like it.
    pub scheduler: Option<Scheduler>,
    /// Steps where a request names none: 1 or more. If this is none, what suits the model's scheduler: 20, and 4 for a
    /// model that was distilled for few steps.
    pub steps: Option<u32>,
    /// Presets of the bundle.
    pub presets: Vec<Style>,
}

impl ImportOptions {
    /// The export in `onnx`, made from the diffusers folder or file `weights`, as a bundle at `out`: float32 weights, what
    /// the model's own scheduler suggests where a request is silent, and nothing is replaced.
    pub fn new(onnx: impl Into<PathBuf>, weights: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            onnx: onnx.into(),
            plain: None,
            weights: weights.into(),
            config: None,
            out: out.into(),
            name: None,
            licence: "unspecified".into(),
            merge: Vec::new(),
            storage: Storage::Float32,
            replace: false,
            guidance: None,
            scheduler: None,
            steps: None,
            presets: Vec::new(),
        }
    }
}
