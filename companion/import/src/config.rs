//! The configurations of a diffusers folder, as far as a bundle's manifest needs them.

use std::path::Path;

use cones_core::model::manifest::{ImageSize, Latent, VaeScaling};
use serde_json::Value;

use crate::denoiser::Denoiser;
use crate::error::{Error, Result};
use crate::given_text::{self, GivenConfig};
use crate::import_options::ImportOptions;
use crate::json::Json;
use crate::kind::Kind;
use crate::sampling::Sampling;
use crate::scheduler;
use crate::second_text::{self, SecondEncoder};
use crate::text_config::TextEncoder;
use crate::weight_names;

/// What a diffusers folder says of its model.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) image: ImageSize,
    pub(super) latent: Latent,
    /// Channels that the U-Net takes, where these are not the latent's alone.
    pub(super) in_channels: Option<u32>,
    /// Width of the embedding of the guidance scale, where the U-Net takes that.
    pub(super) time_cond_proj_dim: Option<u32>,
    pub(super) vae: VaeScaling,
    pub(super) sampling: Sampling,
    pub(super) text: TextEncoder,
    /// The second one, where the U-Net takes two.
    pub(super) second: Option<SecondEncoder>,
    /// The network that takes the noise away.
    pub(super) denoiser: Denoiser,
    /// What becomes of embeddings that an app brings, where there is no text encoder.
    pub(super) given: Option<GivenConfig>,
}

impl Config {
    /// Reads and cross-checks the configurations of the U-Net, VAE, text encoder and scheduler.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let json = |part: &str| Json::read(&folder.join(part));
        check_is_pipeline(folder)?;
        let (denoiser, unet) = Denoiser::read(folder)?;
        if let Some(given) = given_text::read(denoiser, &unet)? {
            return Self::of_given(folder, denoiser, &unet, given);
        }
        refuse_other_kinds(&unet)?;
        let second = second_text::read(folder, &unet)?;
        let vae = vae_config(folder)?;
        let text = json("text_encoder/config.json")?;
        check_text_encoder(&text)?;
        let sampling = scheduler::read(&json("scheduler/scheduler_config.json")?)?;
        let (channels, scale, scaling) = read_vae(&vae)?;
        let text = TextEncoder::of(&text)?;
        let of_second = second.map_or(0, |second| second.encoder.hidden_size);
        check_unet(&unet, channels, [text.hidden_size, of_second])?;
        let halvings = unet.array("block_out_channels")?.len().saturating_sub(1);
        let multiple = power(halvings).and_then(|n| n.checked_mul(scale));
        let multiple = multiple.ok_or_else(|| unet.wrong("block_out_channels", "at most 8 blocks"))?;
        Ok(Self {
            image: image_size(&unet, scale)?,
            latent: Latent { channels, scale, multiple },
            in_channels: Some(unet.u32("in_channels")?).filter(|taken| *taken != channels),
            time_cond_proj_dim: guidance_width(&unet)?,
            vae: scaling,
            sampling,
            text,
            second,
            denoiser,
            given: None,
        })
    }

    /// Of a model without a text encoder.
    fn of_given(folder: &Path, denoiser: Denoiser, network: &Json, given: GivenConfig) -> Result<Self> {
        let sampling = scheduler::read(&Json::read(&folder.join("scheduler/scheduler_config.json"))?)?;
        let (channels, scale, scaling) = read_vae(&vae_config(folder)?)?;
        for key in ["in_channels", "out_channels"] {
            if network.get(key).is_some() && network.u32(key)? != channels {
                return Err(network.unsupported(key));
            }
        }
        let halved = match denoiser {
            Denoiser::Sana => Some(network.u32_or("patch_size", 1)?),
            _ => power(network.array("block_out_channels")?.len().saturating_sub(1)),
        };
        let multiple = halved.and_then(|n| n.checked_mul(scale)).filter(|multiple| *multiple > 0);
        Ok(Self {
            image: image_size(network, scale)?,
            latent: Latent { channels, scale, multiple: multiple.ok_or_else(|| network.unsupported("patch_size"))? },
            in_channels: denoiser.is_side_by_side().then(|| channels.saturating_mul(2)),
            time_cond_proj_dim: None,
            vae: scaling,
            sampling,
            text: TextEncoder { hidden_size: given.hidden_size, positions: denoiser.most_tokens(), vocab_size: None },
            second: None,
            denoiser,
            given: Some(given),
        })
    }

    /// Width of what K and V of a token are made from.
    pub(super) fn context_size(&self) -> u32 {
        if let Some(projected) = self.given.and_then(|given| given.given.cross_attention_dim) {
            return projected;
        }
        self.text.hidden_size.saturating_add(self.second.map_or(0, |second| second.encoder.hidden_size))
    }
}

/// Where the decoder was exported by itself, its configuration lies beside it.
fn vae_config(folder: &Path) -> Result<Json> {
    let alone = Json::read_if_there(&folder.join("vae_decoder/config.json"))?;
    alone.map_or_else(|| Json::read(&folder.join("vae/config.json")), Ok)
}

/// Latent channels, pixels per latent cell and scaling.
fn read_vae(vae: &Json) -> Result<(u32, u32, VaeScaling)> {
    vae.must_be_unset(&["latents_mean", "latents_std"])?;
    const KNOWN: [&str; 3] = ["AutoencoderKL", "AutoencoderTiny", "AutoencoderDC"];
    let (blocks, default_scaling, default_channels) = match vae.str_or("_class_name", "AutoencoderKL")? {
        "AutoencoderKL" => ("block_out_channels", 0.18215, 4),
        "AutoencoderTiny" => ("encoder_block_out_channels", 1.0, 4),
        "AutoencoderDC" => ("encoder_block_out_channels", 1.0, 32),
        _ => return Err(vae.unknown_class("_class_name", "a VAE", &KNOWN)),
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
    Ok((vae.u32_or("latent_channels", default_channels)?, scale, scaling))
}

/// A folder of a pipeline that has no U-Net, or no pipeline's at all, is named as what it is.
fn check_is_pipeline(folder: &Path) -> Result<()> {
    if ["unet", "transformer"].iter().any(|part| folder.join(part).join("config.json").is_file()) {
        return Ok(());
    }
    match Kind::of(folder) {
        // Something is missing from the folder that is meant: opening it says what.
        Kind::Pipeline | Kind::OnnxFolder | Kind::Unknown => Ok(()),
        kind => Err(Error::kind(folder, kind, "a diffusers folder of Stable Diffusion 1, 2 or XL, DreamLite or Sana")),
    }
}

/// Models that people may well have and that take more than a latent, a timestep and a text are named as what they are.
fn refuse_other_kinds(unet: &Json) -> Result<()> {
    let what = match unet.u32("in_channels")? {
        8 => "as in a model that changes pictures (InstructPix2Pix): its U-Net takes a picture too",
        7 => "as in a model that makes pictures larger: its U-Net takes a small picture too",
        5 => "as in a model that is guided by depth: its U-Net takes a map of it too",
        _ => return Ok(()),
    };
    if unet.u32("out_channels")? == 4 { Err(unet.refused("in_channels", what)) } else { Ok(()) }
}

/// Width of the input of latent consistency models that tells the U-Net of the guidance scale.
fn guidance_width(unet: &Json) -> Result<Option<u32>> {
    const KEY: &str = "time_cond_proj_dim";
    let width = unet.get(KEY).map(|_| unet.u32(KEY)).transpose()?;
    match width {
        Some(width) if width < 4 => Err(unet.wrong(KEY, "at least 4")),
        width => Ok(width),
    }
}

/// The text encoder must be CLIP's, whose last hidden state is what the U-Net was trained on.
fn check_text_encoder(text: &Json) -> Result<()> {
    const KNOWN: &str = "CLIPTextModel";
    match text.get("architectures") {
        Some(Value::Array(classes)) if classes.iter().any(|class| class == KNOWN) => Ok(()),
        Some(_) => Err(text.unknown_class("architectures", "a text encoder", &[KNOWN])),
        None => Ok(()),
    }
}

/// The U-Net must take nothing but a latent, a timestep and the text; or the guidance scale too, or what Stable Diffusion XL's
/// does, or, for inpainting, a region and the latent of the picture around it.
fn check_unet(unet: &Json, channels: u32, [hidden_size, of_second]: [u32; 2]) -> Result<()> {
    unet.must_be_unset(&[
        "class_embed_type",
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "only_cross_attention",
        "dual_cross_attention",
        "cross_attention_norm",
    ])?;
    let of_region = channels.checked_mul(2).and_then(|both| both.checked_add(1));
    let taken = unet.u32("in_channels")?;
    if taken != channels && Some(taken) != of_region {
        return Err(unet.unsupported("in_channels"));
    }
    if unet.u32("out_channels")? != channels {
        return Err(unet.unsupported("out_channels"));
    }
    let context = hidden_size.saturating_add(of_second);
    if unet.u32("cross_attention_dim")? != context {
        let whose = if of_second > 0 { "both text encoders' together" } else { "the text encoder's" };
        return Err(unet.wrong("cross_attention_dim", &format!("{context}, {whose} `hidden_size`")));
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

/// The folder must be one, so that a mistyped path is named before anything else is, and a file as what it is.
pub(super) fn check_folder(folder: &Path, option: &'static str) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if folder.is_file() {
        return Err(Error::kind(folder, Kind::of(folder), format!("a folder for {option}")));
    }
    Err(Error::config(folder, "there is no such folder", format!("check the path given as {option}")))
}

/// The folder with the configurations and the tokenizer: the one that is named, or the weights', or, where these are one
/// file, the export's if it has any.
pub(super) fn folder(options: &ImportOptions) -> Result<&Path> {
    if let Some(named) = &options.config {
        check_folder(named, "--config")?;
        return Ok(named);
    }
    if !options.weights.is_file() {
        check_folder(&options.weights, "--weights")?;
        return Ok(&options.weights);
    }
    // Named as what it is before anything is asked for that would not help.
    weight_names::open(&options.weights)?;
    if options.onnx.join("unet/config.json").is_file() {
        return Ok(&options.onnx);
    }
    let hint =
        "give with --config a diffusers folder of a model of the same kind: its *.json and its tokenizer are enough";
    Err(Error::config(&options.weights, "it is one file, and holds neither configurations nor a tokenizer", hint))
}
