//! The picture that `cones generate` changes.

use std::path::PathBuf;

use clap::Args;
use cones_core::Picture;
use cones_core::picture::recipe::Recipe;

use super::init_args::tell_if_other;
use crate::failure::Failure;

/// The picture that is changed.
#[derive(Debug, Args)]
pub(super) struct ImageArgs {
    /// Change this picture (PNG, JPEG or WebP) as the prompt says, with a base model that takes one beside what it draws, as DreamLite.
    #[arg(long, value_name = "PICTURE")]
    image: Option<PathBuf>,
}

impl ImageArgs {
    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read, or the recipe changed one and it is not given again.
    pub(super) fn open(&self, old: Option<&Recipe>) -> Result<Option<Picture>, Failure> {
        let changed = old.and_then(|old| old.image_sha256.as_ref());
        let Some(path) = &self.image else {
            return match changed {
                None => Ok(None),
                Some(_) => Err("the recipe changed a picture; give it again with --image PICTURE".into()),
            };
        };
        let picture = Picture::open(path)?;
        tell_if_other(path, &picture, changed)?;
        Ok(Some(picture))
    }
}
