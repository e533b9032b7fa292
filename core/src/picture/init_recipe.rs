//! The init image in a recipe, and what of it was drawn anew.

use serde::{Deserialize, Serialize};

use super::inpaint::{Inpaint, Margins};
use crate::disk::hash::Sha256;
use crate::engine::request::Init;

/// An init image in a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InitRecipe {
    /// 0 to 1.
    pub strength: f32,
    /// SHA-256 of its RGB bytes.
    pub rgb_sha256: Sha256,
    /// What of it was drawn anew, where not all of it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inpaint: Option<InpaintRecipe>,
}

/// What of an init image was drawn anew; see [`Inpaint`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InpaintRecipe {
    /// SHA-256 of the mask picture's RGB bytes, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask_image_sha256: Option<Sha256>,
    /// Pixels that its white part grew.
    #[serde(default)]
    pub grow: u32,
    /// Pixels over which its edge was softened.
    #[serde(default)]
    pub feather: u32,
    /// Pixels around it that were drawn with it; `None` where the whole picture was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding_mask_crop: Option<u32>,
    /// Strips that were added around the init image.
    #[serde(default, skip_serializing_if = "Margins::is_none")]
    pub outpaint: Margins,
}

impl InitRecipe {
    pub(super) fn of(init: &Init) -> Self {
        Self {
            strength: init.strength,
            rgb_sha256: Sha256::digest(&init.picture.rgb),
            inpaint: init.inpaint.as_ref().map(InpaintRecipe::of),
        }
    }

    /// In AUTOMATIC1111's words, to be put behind others.
    pub(super) fn parameters(&self) -> String {
        let part = self.inpaint.as_ref().map_or_else(String::new, InpaintRecipe::parameters);
        format!(", Denoising strength: {}{part}", self.strength)
    }
}

impl InpaintRecipe {
    fn of(inpaint: &Inpaint) -> Self {
        Self {
            mask_image_sha256: inpaint.mask_image.as_ref().map(|mask| Sha256::digest(&mask.rgb)),
            grow: inpaint.grow,
            feather: inpaint.feather,
            padding_mask_crop: inpaint.padding_mask_crop,
            outpaint: inpaint.outpaint,
        }
    }

    fn parameters(&self) -> String {
        let mut text = String::new();
        if self.feather > 0 {
            text.push_str(&format!(", Mask blur: {}", self.feather));
        }
        if let Some(padding) = self.padding_mask_crop {
            text.push_str(&format!(", Inpaint area: Only masked, Masked area padding: {padding}"));
        }
        text
    }
}
