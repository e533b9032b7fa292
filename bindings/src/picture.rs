//! Pictures: bytes for the host, PNG, JPEG or WebP with recipe on disk.

use std::path::Path;
use std::sync::Arc;

use crate::{ConesError, Recipe, Verdict};

/// A picture. Its pixels stay on this side until they are asked for.
#[derive(Debug, uniffi::Object)]
pub struct Picture {
    pixels: cones_core::Picture,
    recipe: Option<cones_core::picture::recipe::Recipe>,
    verdict: Option<cones_core::Verdict>,
}

#[uniffi::export]
impl Picture {
    /// Reads a PNG, JPEG or WebP file; transparent parts become white. A recipe inside is read too.
    #[uniffi::constructor]
    pub fn open(path: String) -> Result<Arc<Self>, ConesError> {
        let path = Path::new(&path);
        let pixels = cones_core::Picture::open(path)?;
        // Most pictures have none, which is no fault here; `read_recipe` says why.
        let recipe = cones_core::picture::recipe::Recipe::read(path).ok();
        Ok(Arc::new(Self { pixels, recipe, verdict: None }))
    }

    /// From RGBA bytes, row by row from the top left, alpha not multiplied in; transparent parts become white.
    #[uniffi::constructor]
    pub fn from_rgba(width: u32, height: u32, rgba: &[u8]) -> Result<Arc<Self>, ConesError> {
        Ok(Arc::new(Self { pixels: cones_core::Picture::from_rgba(width, height, rgba)?, recipe: None, verdict: None }))
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.pixels.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.pixels.height
    }

    /// `4 * width * height` bytes, row by row from the top left, every alpha 255.
    pub fn rgba(&self) -> Vec<u8> {
        self.pixels.to_rgba()
    }

    /// How it was drawn; `None` for a picture that was not drawn by Cones.
    pub fn recipe(&self) -> Option<Recipe> {
        self.recipe.as_ref().map(Recipe::from)
    }

    /// What the safety classifier found in it and what was done with it; `None` where none was asked, and for pictures that
    /// were opened.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict.map(Verdict::from)
    }

    /// Writes a file, with the recipe inside if there is one: JPEG or WebP where its name ends so, else PNG. The file appears whole or not
    /// at all.
    pub fn save(&self, path: String) -> Result<(), ConesError> {
        Ok(cones_core::picture::writing::save(&self.pixels, self.recipe.as_ref(), Path::new(&path))?)
    }
}

impl Picture {
    pub(crate) fn pixels(&self) -> &cones_core::Picture {
        &self.pixels
    }
}

impl From<cones_core::Drawn> for Picture {
    fn from(drawn: cones_core::Drawn) -> Self {
        Self { pixels: drawn.picture, recipe: Some(drawn.recipe), verdict: drawn.verdict }
    }
}

/// The recipe inside a PNG, JPEG or WebP that Cones wrote.
#[uniffi::export]
pub fn read_recipe(path: String) -> Result<Recipe, ConesError> {
    Ok(Recipe::from(&cones_core::picture::recipe::Recipe::read(Path::new(&path))?))
}
