//! The configurations of a diffusers folder, as far as a bundle's manifest needs them.

use std::path::Path;

use cones_core::model::manifest::{ImageSize, Latent, NoiseSchedule, PredictionType, VaeScaling};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::Json;
use crate::scheduler;

/// What a diffusers folder says of its model.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) image: ImageSize,
    pub(super) latent: Latent,
    pub(super) vae: VaeScaling,
    pub(super) prediction_type: PredictionType,
    pub(super) noise_schedule: NoiseSchedule,
    /// Width of the text encoder's last hidden state.
    pub(super) hidden_size: u32,
    /// Positions the text encoder has.
    pub(super) positions: u32,
}

impl Config {
    /// Reads and cross-checks the configurations of the U-Net, VAE, text encoder and scheduler.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let json = |part: &str| Json::read(&folder.join(part));
        let (unet, vae) = (json("unet/config.json")?, json("vae/config.json")?);
        let text = json("text_encoder/config.json")?;
        let (noise_schedule, prediction_type) = scheduler::read(&json("scheduler/scheduler_config.json")?)?;
        let (channels, scale, scaling) = read_vae(&vae)?;
        let hidden_size = text.u32("hidden_size")?;
        check_unet(&unet, channels, hidden_size)?;
        let halvings = unet.array("block_out_channels")?.len().saturating_sub(1);
        let multiple = power(halvings).and_then(|n| n.checked_mul(scale));
        let multiple = multiple.ok_or_else(|| unet.wrong("block_out_channels", "at most 8 blocks"))?;
        Ok(Self {
            image: image_size(&unet, scale)?,
            latent: Latent { channels, scale, multiple },
            vae: scaling,
            prediction_type,
            noise_schedule,
            hidden_size,
            positions: text.u32_or("max_position_embeddings", 77)?,
        })
    }
}

/// Latent channels, pixels per latent cell and scaling.
fn read_vae(vae: &Json) -> Result<(u32, u32, VaeScaling)> {
    vae.must_be_unset(&["latents_mean", "latents_std"])?;
    let (blocks, default_scaling) = match vae.str_or("_class_name", "AutoencoderKL")? {
        "AutoencoderKL" => ("block_out_channels", 0.18215),
        "AutoencoderTiny" => ("encoder_block_out_channels", 1.0),
        _ => return Err(vae.unsupported("_class_name")),
    };
    let scale = power(vae.array(blocks)?.len().saturating_sub(1));
    let scale = scale.ok_or_else(|| vae.wrong(blocks, "at most 8 blocks"))?;
    let scaling = VaeScaling {
        scaling_factor: vae.f64_or("scaling_factor", default_scaling)?,
        shift_factor: vae.f64_or("shift_factor", 0.0)?,
    };
    if scaling.scaling_factor <= 0.0 {
        return Err(vae.wrong("scaling_factor", "a positive number"));
    }
    Ok((vae.u32_or("latent_channels", 4)?, scale, scaling))
}

/// The U-Net must take nothing but a latent, a timestep and the text.
fn check_unet(unet: &Json, channels: u32, hidden_size: u32) -> Result<()> {
    unet.must_be_unset(&[
        "addition_embed_type",
        "class_embed_type",
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "time_cond_proj_dim",
        "only_cross_attention",
        "dual_cross_attention",
        "cross_attention_norm",
    ])?;
    for key in ["in_channels", "out_channels"] {
        if unet.u32(key)? != channels {
            return Err(unet.unsupported(key));
        }
    }
    if unet.u32("cross_attention_dim")? != hidden_size {
        let expected = format!("{hidden_size}, the text encoder's `hidden_size`");
        return Err(unet.wrong("cross_attention_dim", &expected));
    }
    Ok(())
}

/// The training size in pixels; diffusers writes the latent's side, or `[height, width]`.
fn image_size(unet: &Json, scale: u32) -> Result<ImageSize> {
    let side = |value: &Value| {
        let cells = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        cells.and_then(|n| n.checked_mul(scale)).ok_or_else(|| unet.wrong("sample_size", "a positive whole number"))
    };
    match unet.get("sample_size") {
        Some(Value::Array(sides)) if sides.len() == 2 => {
            Ok(ImageSize { width: side(&sides[1])?, height: side(&sides[0])? })
        }
        Some(value) => Ok(ImageSize { width: side(value)?, height: side(value)? }),
        None => Err(unet.wrong("sample_size", "a positive whole number")),
    }
}

/// 2 to the power of `n`, for counts of halvings that occur.
fn power(n: usize) -> Option<u32> {
    (n < 8).then(|| 1u32 << n)
}

/// The folder must be one, so that a mistyped path is named before anything else is.
pub(super) fn check_folder(folder: &Path, option: &'static str) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    Err(Error::config(folder, "there is no such folder", format!("check the path given as {option}")))
}
