//! What is varied of a picture that is there, and how it is drawn larger.

use clap::Args;
use cones_core::picture::recipe::HiresRecipe;
use cones_core::{Hires, Variation};

use super::seed::Seed;
use crate::failure::Failure;
use crate::ranges;

/// Variations, and a second pass for large pictures.
#[derive(Debug, Args)]
pub(super) struct VariationArgs {
    /// Mix the noise of this seed in: pictures a little like that of --seed, which stays; of several each takes the next variation
    /// seed. `random` or -1 draws one.
    #[arg(long, value_name = "N|random", allow_hyphen_values = true, requires = "variation_strength")]
    variation_seed: Option<Seed>,
    /// How much of it, 0 to 1.
    #[arg(long, value_name = "PART", value_parser = ranges::part)]
    variation_strength: Option<f32>,
    /// Draw it, enlarge it so many times (above 1, up to 8) and draw on from there: large pictures without things twice.
    #[arg(long, value_name = "TIMES", conflicts_with = "init")]
    hires: Option<f32>,
    /// How much of the enlarged picture is drawn anew, 0 to 1; by default 0.7.
    #[arg(long, value_name = "PART", value_parser = ranges::part)]
    hires_strength: Option<f32>,
    /// Denoising steps of the second pass, before --hires-strength cuts them; by default --steps.
    #[arg(long, value_name = "N")]
    hires_steps: Option<u32>,
}

impl VariationArgs {
    /// What was typed, over what the recipe says.
    pub(super) fn variation(&self, old: Option<Variation>) -> Result<Option<Variation>, Failure> {
        let Some(strength) = self.variation_strength.or(old.map(|old| old.strength)) else { return Ok(None) };
        let seed = match (self.variation_seed, old) {
            (Some(seed), _) => seed.number()?,
            (None, Some(old)) => old.seed,
            (None, None) => return Err(Failure::Usage("--variation-strength needs --variation-seed N".into())),
        };
        Ok(Some(Variation::new(seed, strength)))
    }

    /// What was typed, over what the recipe says.
    pub(super) fn hires(&self, old: Option<HiresRecipe>) -> Result<Option<Hires>, Failure> {
        let Some(scale) = self.hires.or(old.map(|old| old.scale)) else {
            let options =
                [("--hires-strength", self.hires_strength.is_some()), ("--hires-steps", self.hires_steps.is_some())];
            return match options.into_iter().find(|(_, given)| *given) {
                Some((option, _)) => Err(Failure::Usage(format!("{option} needs --hires TIMES"))),
                None => Ok(None),
            };
        };
        let mut hires = Hires::new(scale);
        hires.strength = self.hires_strength.or(old.map(|old| old.strength)).unwrap_or(hires.strength);
        hires.steps = self.hires_steps.or(old.and_then(|old| old.steps));
        Ok(Some(hires))
    }
}
