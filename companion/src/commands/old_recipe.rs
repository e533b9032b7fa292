//! What a picture says of how it was drawn, be it by this program or by another.

use std::io::Write;
use std::path::Path;

use cones_core::Variation;
use cones_core::picture::foreign::ForeignRecipe;
use cones_core::picture::recipe::{HiresRecipe, Recipe};
use cones_core::sampling::scheduler::Scheduler;
use serde::Serialize;

use crate::failure::Failure;

/// What a picture says of how it was drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum OldRecipe {
    /// A recipe of ours: everything.
    Ours(Box<Recipe>),
    /// What another program says, as far as it can be drawn.
    Foreign(Box<ForeignRecipe>),
}

impl OldRecipe {
    /// Reads it.
    ///
    /// # Errors
    /// When the file is no picture or says nothing.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let error = match Recipe::read(path) {
            Ok(recipe) => return Ok(Self::Ours(Box::new(recipe))),
            Err(error) => error,
        };
        match ForeignRecipe::read(path) {
            Ok(Some(foreign)) => Ok(Self::Foreign(Box::new(foreign))),
            _ => Err(error.into()),
        }
    }

    /// The recipe, where it is ours.
    pub(super) fn ours(&self) -> Option<&Recipe> {
        match self {
            Self::Ours(recipe) => Some(recipe),
            Self::Foreign(_) => None,
        }
    }

    pub(super) fn prompt(&self) -> &str {
        match self {
            Self::Ours(recipe) => &recipe.prompt,
            Self::Foreign(foreign) => &foreign.prompt,
        }
    }

    pub(super) fn negative_prompt(&self) -> &str {
        match self {
            Self::Ours(recipe) => &recipe.negative_prompt,
            Self::Foreign(foreign) => &foreign.negative_prompt,
        }
    }

    pub(super) fn prompt_weights(&self) -> bool {
        match self {
            Self::Ours(recipe) => recipe.prompt_weights,
            Self::Foreign(foreign) => foreign.prompt_weights,
        }
    }

    pub(super) fn steps(&self) -> Option<u32> {
        self.ours().map_or_else(|| self.foreign()?.steps, |recipe| Some(recipe.steps))
    }

    pub(super) fn guidance(&self) -> Option<f32> {
        self.ours().map_or_else(|| self.foreign()?.guidance, |recipe| Some(recipe.guidance))
    }

    pub(super) fn guidance_rescale(&self) -> Option<f32> {
        self.ours().map_or_else(|| self.foreign()?.guidance_rescale, |recipe| Some(recipe.guidance_rescale))
    }

    pub(super) fn eta(&self) -> Option<f32> {
        self.ours().map_or_else(|| self.foreign()?.eta, |recipe| recipe.eta)
    }

    pub(super) fn scheduler(&self) -> Option<Scheduler> {
        self.ours().map_or_else(|| self.foreign()?.scheduler, |recipe| Some(recipe.scheduler))
    }

    pub(super) fn seed(&self) -> Option<u64> {
        self.ours().map_or_else(|| self.foreign()?.seed, |recipe| Some(recipe.seed))
    }

    pub(super) fn size(&self) -> Option<(u32, u32)> {
        self.ours().map_or_else(|| self.foreign()?.size, |recipe| Some((recipe.width, recipe.height)))
    }

    pub(super) fn variation(&self) -> Option<Variation> {
        self.ours().map_or_else(|| self.foreign()?.variation, |recipe| recipe.variation)
    }

    pub(super) fn hires(&self) -> Option<HiresRecipe> {
        self.ours().map_or_else(|| self.foreign()?.hires, |recipe| recipe.hires)
    }

    /// The text encoder's layers to leave out; none where another program left out more than this base model can.
    pub(super) fn clip_skip(&self, most: u32) -> u32 {
        match self {
            Self::Ours(recipe) => recipe.clip_skip,
            Self::Foreign(foreign) if foreign.clip_skip <= most => foreign.clip_skip,
            Self::Foreign(_) => 0,
        }
    }

    /// The text that image tools read.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Ours(recipe) => recipe.parameters(),
            Self::Foreign(foreign) => foreign.text.clone(),
        }
    }

    /// Says on standard error what of it is not drawn as it says; `most` layers of the text encoder can be left out.
    pub(super) fn tell_what_is_left_out(&self, most: u32) -> std::io::Result<()> {
        let skipped = self.foreign().map_or(0, |foreign| foreign.clip_skip);
        let mut messages = std::io::stderr();
        for left_out in self.foreign().iter().flat_map(|foreign| &foreign.left_out) {
            writeln!(messages, "warning: not as the other program drew it: {left_out}")?;
        }
        if skipped > most {
            let said = format!("`Clip skip: {}`", skipped.saturating_add(1));
            writeln!(
                messages,
                "warning: not as the other program drew it: {said}, which this base model does not offer"
            )?;
        }
        Ok(())
    }

    fn foreign(&self) -> Option<&ForeignRecipe> {
        match self {
            Self::Ours(_) => None,
            Self::Foreign(foreign) => Some(foreign),
        }
    }
}
