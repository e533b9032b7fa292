//! The classes of networks that can be imported.

use std::path::Path;

use serde_json::Value;

use crate::error::Result;
use crate::json::Json;

/// The network that takes the noise away, by diffusers' class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denoiser {
    /// `UNet2DConditionModel`: Stable Diffusion 1, 2, XL and what was made of them.
    UNet,
    /// `DreamLiteUNetModel`: a U-Net with one head of keys and values, and RMSNorm on keys, that draws beside a picture.
    DreamLite,
    /// `SanaTransformer2DModel`: a transformer with cross-attention.
    Sana,
}

/// Why a transformer is none that can be imported.
const JOINT: &str = "a transformer that is not known here. What is drawn here has cross-attention, whose keys and values are made of \
                     the prompt alone; where text and picture go through the same attention (Stable Diffusion 3, FLUX, Z-Image, \
                     Qwen-Image), they change in every step, and no mask of theirs is a subject's";

impl Denoiser {
    /// The one in a diffusers folder, and its configuration.
    ///
    /// # Errors
    /// When there is none, or one of another class.
    pub(super) fn read(folder: &Path) -> Result<(Self, Json)> {
        let transformer = folder.join("transformer/config.json");
        if transformer.is_file() {
            let json = Json::read(&transformer)?;
            return match json.get("_class_name").and_then(Value::as_str) {
                Some("SanaTransformer2DModel") => Ok((Self::Sana, json)),
                _ => Err(json.refused("_class_name", JOINT)),
            };
        }
        let json = Json::read(&folder.join("unet/config.json"))?;
        if json.get("_class_name").and_then(Value::as_str) == Some("DreamLiteUNetModel") {
            return Ok((Self::DreamLite, json));
        }
        json.must_be_class("a U-Net", &["UNet2DConditionModel", "DreamLiteUNetModel"])?;
        Ok((Self::UNet, json))
    }

    /// What its folder is called, and its graph in an export.
    pub(super) fn part(self) -> &'static str {
        match self {
            Self::UNet | Self::DreamLite => "unet",
            Self::Sana => "transformer",
        }
    }

    /// Whether it takes two latents side by side: the noisy one, and on its right that of a picture, or zeros.
    pub(super) fn is_side_by_side(self) -> bool {
        self == Self::DreamLite
    }

    /// Tokens of a prompt where the export takes any number of them: what the model's pipeline takes in diffusers
    /// (`max_sequence_length`), or in its authors' code.
    pub(super) fn most_tokens(self) -> u32 {
        match self {
            Self::UNet => 77,
            Self::DreamLite => 200,
            Self::Sana => 300,
        }
    }

    /// Steps and guidance of its pipeline, where that differs from Stable Diffusion's: DreamLite-mobile was distilled, and is not
    /// guided; `SanaPipeline` has 20 and 4.5.
    pub(super) fn suited(self) -> Option<(u32, f32)> {
        match self {
            Self::UNet => None,
            Self::DreamLite => Some((4, 1.0)),
            Self::Sana => Some((20, 4.5)),
        }
    }
}
