//! The graphs beside the U-Net: text encoders, and both halves of the VAE.

use std::path::Path;

use cones_core::model::bundle::EMBEDDING_OFFSETS;
use cones_onnx::{Model, graph, info, strip};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::fixed::FixedSizes;
use crate::interface::{self, Interface};
use crate::lora::Part;
use crate::merge::Merge;
use crate::saving::{fuse_attention, save};
use crate::sizes::Sizes;
use crate::skipped::{self, HiddenStates};
use crate::storage::Storage;
use crate::{offsets, posterior, store};

/// One of the graphs beside the U-Net.
#[derive(Debug, Clone, Copy)]
pub(super) struct Other {
    /// Its file without `.onnx`.
    pub(super) name: &'static str,
    /// As exports have it.
    exported: &'static Interface,
    /// As the bundle has it.
    pub(super) kept: &'static Interface,
}

/// Those of a model with one text encoder or two.
pub(super) fn other_weights(config: &Config) -> Vec<Other> {
    let same = |name, interface| Other { name, exported: interface, kept: interface };
    let vae = [same("vae_decoder", &interface::VAE_DECODER), same("vae_encoder", &interface::VAE_ENCODER)];
    let text = match config.second {
        None if config.given.is_some() => Vec::new(),
        None => vec![same("text_encoder", &interface::TEXT_ENCODER)],
        Some(_) => vec![
            Other { name: "text_encoder", exported: &interface::TEXT_ENCODER, kept: &interface::FIRST_OF_TWO },
            Other { name: "text_encoder_2", exported: &interface::TEXT_ENCODER_2, kept: &interface::SECOND_OF_TWO },
        ],
    };
    text.into_iter().chain(vae).collect()
}

/// What the text encoders can do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Encoder {
    /// Whether it takes learned embeddings.
    pub(super) takes_offsets: bool,
    /// The most layers that can be left out.
    pub(super) clip_skip: u32,
}

impl Encoder {
    /// What two of them can do together.
    pub(super) fn and(self, other: Self) -> Self {
        let takes_offsets = self.takes_offsets && other.takes_offsets;
        Self { takes_offsets, clip_skip: self.clip_skip.min(other.clip_skip) }
    }

    /// Inputs of a text encoder beside those of its interface.
    pub(super) fn more(self) -> &'static [&'static str] {
        if self.takes_offsets { &[EMBEDDING_OFFSETS] } else { &[] }
    }
}

/// Writes the graph of an export. Returns what it can do, where it is a text encoder.
///
/// # Errors
/// When it cannot be read or written, or takes or gives something else.
pub(super) fn import(
    file: &Path,
    other: Other,
    (storage, merge): (Storage, Option<&Merge>),
    (config, sizes, fixed): (&Config, Sizes, &mut FixedSizes),
    folder: &Path,
) -> Result<Option<Encoder>> {
    let Other { name, exported, kept } = other;
    let mut model = Model::open(file)?;
    graph::lift_constants(model.graph_mut()?);
    let hidden_states = HiddenStates::named(model.graph()?);
    interface::canonicalise(&mut model, exported)?;
    let is_encoder = exported.inputs.iter().any(|input| input.name == "image");
    let sizes = if is_encoder { sizes.of_pictures() } else { sizes };
    if is_encoder {
        posterior::take_mean(&mut model, config.latent.channels, sizes)?;
    }
    if kept.is_text() && config.second.is_some() {
        refuse_batch(&model)?;
    }
    fixed.learn_other(&mut model, exported, sizes.tokens, if is_encoder { 1 } else { config.latent.scale })?;
    let merge = merge.filter(|_| name == "text_encoder");
    let merged = merge.map(|merge| merge.change_graph(&mut model, Part::TextEncoder, folder)).transpose()?;
    let encoder = match (kept.is_text(), config.second) {
        (false, _) => None,
        (true, None) => Some(extend_encoder(&mut model, name)?),
        (true, Some(_)) => Some(take_states(&mut model, name, hidden_states)?),
    };
    fuse_attention(&mut model, sizes)?;
    strip::strip(&mut model.proto, name);
    store::store_alone(&mut model, storage, folder, &format!("{name}.weights"))?;
    save(model, folder, name)?;
    drop(merged);
    Ok(encoder)
}

/// One of two text encoders gives several outputs, and is run on one prompt at a time.
fn refuse_batch(model: &Model) -> Result<()> {
    let batches = model.graph()?.input.iter().filter_map(|input| info::sizes(input).first().copied().flatten());
    match batches.max().filter(|batch| *batch > 1) {
        None => Ok(()),
        Some(batch) => {
            let reason = format!("it was exported for {batch} prompts in every run; export it for any number of them");
            Err(Error::interface(model.file(), reason))
        }
    }
}

/// Gives a text encoder what requests may ask of it beside its last layer.
fn extend_encoder(model: &mut Model, name: &str) -> Result<Encoder> {
    let takes_offsets = offsets::add_input(model)?;
    if !takes_offsets {
        log::warn!(
            "`{name}.onnx` looks its tokens up in no table of floating-point numbers: packs with learned embeddings will not fit"
        );
    }
    let clip_skip = skipped::add_outputs(model)?;
    if clip_skip == 0 {
        log::warn!("`{name}.onnx`: no layer was found that can be left out: requests with a clip skip will be refused");
    }
    Ok(Encoder { takes_offsets, clip_skip })
}

/// Has one of two text encoders give what the U-Net was trained on: the hidden state before the last layer.
fn take_states(model: &mut Model, name: &str, states: HiddenStates) -> Result<Encoder> {
    match states.take(model)? {
        Some(clip_skip) => Ok(Encoder { takes_offsets: false, clip_skip }),
        None => {
            let reason = format!(
                "the hidden state before the last layer of `{name}` was not found; export it with its `hidden_states`, as \
                 optimum does"
            );
            Err(Error::interface(model.file(), reason))
        }
    }
}
