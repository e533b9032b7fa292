//! The second pass of a large picture in a recipe.

use serde::{Deserialize, Serialize};

/// How the web UI calls the way in which pictures are enlarged here.
pub(super) const UPSCALER: &str = "Lanczos";

/// The second pass of a large picture; see [`Hires`](crate::Hires).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HiresRecipe {
    /// How much was drawn anew, 0 to 1.
    pub strength: f32,
    /// Denoising steps before `strength` cut them, where they were not those of the first pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// How many times as large it was asked for.
    pub scale: f32,
}

impl HiresRecipe {
    /// In AUTOMATIC1111's words, to be put behind others.
    pub(super) fn parameters(&self) -> String {
        let steps = self.steps.map_or_else(String::new, |steps| format!(", Hires steps: {steps}"));
        format!(
            ", Denoising strength: {}, Hires upscale: {}{steps}, Hires upscaler: {UPSCALER}",
            self.strength, self.scale
        )
    }
}
