//! Models that bring no text encoder along: what embeddings they take.

use std::path::Path;

use cones_core::model::manifest::{AdditionEmbedType, GivenText};
use cones_onnx::{Model, info};

use crate::denoiser::Denoiser;
use crate::error::Result;
use crate::json::Json;
use crate::layout;
use crate::projection::TEXT;

/// The configuration of such a model's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct GivenConfig {
    /// Width of the embeddings.
    pub(super) hidden_size: u32,
    /// What becomes of them.
    pub(super) given: GivenText,
    /// What the network is told beside them.
    pub(super) addition_embed_type: Option<AdditionEmbedType>,
}

/// Reads it from the network's configuration.
///
/// # Errors
/// When the network takes something else beside them.
pub(super) fn read(denoiser: Denoiser, network: &Json) -> Result<Option<GivenConfig>> {
    match denoiser {
        Denoiser::UNet => Ok(None),
        Denoiser::DreamLite => of_dream_lite(network).map(Some),
        Denoiser::Sana => of_sana(network).map(Some),
    }
}

fn of_dream_lite(unet: &Json) -> Result<GivenConfig> {
    unet.must_be_unset(&["class_embed_type", "only_cross_attention", "dual_cross_attention", "cross_attention_norm"])?;
    unet.must_be_unset(&["time_cond_proj_dim"])?;
    if unet.str_or("addition_embed_type", "time")? != "time" {
        return Err(unet.unsupported("addition_embed_type"));
    }
    // The projection itself is in the graph; only whether there is one counts here.
    let (hidden_size, context) = match unet.get("encoder_hid_dim") {
        Some(_) => (unet.u32("encoder_hid_dim")?, Some(unet.u32("cross_attention_dim")?)),
        None => (unet.u32("cross_attention_dim")?, None),
    };
    let has_sizes = unet.get("addition_embed_type").is_some();
    Ok(GivenConfig {
        hidden_size,
        given: GivenText::new(context, true),
        addition_embed_type: has_sizes.then_some(AdditionEmbedType::Time),
    })
}

fn of_sana(transformer: &Json) -> Result<GivenConfig> {
    if transformer.bool_or("guidance_embeds", false)? {
        let what = "as in Sana-Sprint: it takes the guidance scale as an input, and a scheduler of its own";
        return Err(transformer.refused("guidance_embeds", what));
    }
    if transformer.f64_or("timestep_scale", 1.0)? != 1.0 {
        return Err(transformer.unsupported("timestep_scale"));
    }
    Ok(GivenConfig {
        hidden_size: transformer.u32("caption_channels")?,
        given: GivenText::new(Some(transformer.u32("cross_attention_dim")?), true),
        addition_embed_type: None,
    })
}

/// Tokens of a prompt: as many as the export takes, or where it takes any number, as the model's pipeline does.
///
/// # Errors
/// When there is no such graph, or it is none.
pub(super) fn tokens(export: &Path, denoiser: Denoiser) -> Result<u32> {
    let model = Model::open(&layout::graph_file(export, denoiser.part())?)?;
    let text = model.graph()?.input.iter().find(|input| input.name() == TEXT);
    let fixed = text.and_then(|text| info::sizes(text).get(1).copied().flatten());
    Ok(fixed.and_then(|tokens| u32::try_from(tokens).ok()).unwrap_or_else(|| denoiser.most_tokens()))
}
