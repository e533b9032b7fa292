//! The picture that `cones generate` starts from, and what of it is drawn anew.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use cones_core::picture::inpaint::FURTHEST;
use cones_core::picture::recipe::{InpaintRecipe, Recipe};
use cones_core::{Init, Inpaint, Margins, Picture, Sha256};

use crate::failure::Failure;
use crate::ranges;

/// Pixels around the masked part that `--only-masked` draws with it, as AUTOMATIC1111's web UI.
const PADDING: &str = "32";

/// The picture that is started from.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Start from this picture (PNG, JPEG or WebP) instead of from noise.
    #[arg(long, value_name = "PICTURE")]
    init: Option<PathBuf>,
    /// How much of the init picture is redrawn, 0 to 1; by default 0.8, and 1 with --mask or --outpaint.
    #[arg(long, requires = "init", value_parser = ranges::part)]
    strength: Option<f32>,
    /// Draw only the white part of this picture anew: of any size, grey is blended, black keeps the init picture's bytes.
    #[arg(long, value_name = "PICTURE", requires = "init")]
    mask: Option<PathBuf>,
    /// Let the white part grow by so many pixels of the init picture.
    #[arg(long, value_name = "PIXELS", requires = "init", value_parser = clap::value_parser!(u32).range(0..=i64::from(FURTHEST)))]
    mask_grow: Option<u32>,
    /// Soften its edge: the radius of a blur in pixels of the init picture.
    #[arg(long, value_name = "PIXELS", requires = "init", value_parser = clap::value_parser!(u32).range(0..=i64::from(FURTHEST)))]
    mask_feather: Option<u32>,
    /// Draw only what is masked, with PIXELS of the init picture around it, at full size, and paste it into the init
    /// picture, whose size stays.
    #[arg(
        long, value_name = "PIXELS", requires = "init",
        num_args = 0..=1, require_equals = true, default_missing_value = PADDING
    )]
    only_masked: Option<u32>,
    /// Add strips to the init picture and draw them: so many pixels on the left, above, on the right and below.
    #[arg(long, value_name = "LEFT,TOP,RIGHT,BOTTOM", requires = "init", value_parser = margins)]
    outpaint: Option<Margins>,
}

impl InitArgs {
    /// What was typed, over what the recipe says.
    ///
    /// # Errors
    /// When the recipe had a picture or a mask that is not given again; when a mask's options come without one; when a
    /// picture cannot be read.
    pub(super) fn open(&self, old: Option<&Recipe>) -> Result<Option<Init>, Failure> {
        let recipe = old.and_then(|old| old.init.as_ref());
        let drawn = recipe.and_then(|init| init.inpaint.as_ref());
        let Some(path) = &self.init else {
            return match recipe {
                None => Ok(None),
                Some(_) => Err("the recipe started from a picture; give it again with --init PICTURE".into()),
            };
        };
        let picture = Picture::open(path)?;
        tell_if_other(path, &picture, recipe.map(|init| &init.rgb_sha256))?;
        let inpaint = self.inpaint(drawn)?;
        let usual = if inpaint.is_some() { 1.0 } else { 0.8 };
        let mut init = Init::new(picture, self.strength.or(recipe.map(|init| init.strength)).unwrap_or(usual));
        init.inpaint = inpaint;
        Ok(Some(init))
    }

    fn inpaint(&self, drawn: Option<&InpaintRecipe>) -> Result<Option<Inpaint>, Failure> {
        let mask_image = match (&self.mask, drawn.and_then(|drawn| drawn.mask_image_sha256.as_ref())) {
            (Some(path), hash) => {
                let mask = Picture::open_mask_image(path)?;
                tell_if_other(path, &mask, hash)?;
                Some(mask)
            }
            (None, Some(_)) => {
                return Err("the recipe drew what a mask says; give it again with --mask PICTURE".into());
            }
            (None, None) => None,
        };
        let outpaint = self.outpaint.or(drawn.map(|drawn| drawn.outpaint)).unwrap_or_default();
        if mask_image.is_none() && outpaint.is_none() {
            let options = [
                ("--mask-grow", self.mask_grow.is_some()),
                ("--mask-feather", self.mask_feather.is_some()),
                ("--only-masked", self.only_masked.is_some()),
                ("--outpaint", self.outpaint.is_some()),
            ];
            return match options.into_iter().find(|(_, given)| *given) {
                Some(("--outpaint", _)) => Err(Failure::Usage("--outpaint adds nothing: all four are 0".into())),
                Some((option, _)) => Err(Failure::Usage(format!("{option} needs --mask PICTURE or --outpaint"))),
                None => Ok(None),
            };
        }
        let mut inpaint = Inpaint::default();
        inpaint.mask_image = mask_image;
        inpaint.grow = self.mask_grow.or(drawn.map(|drawn| drawn.grow)).unwrap_or(0);
        inpaint.feather = self.mask_feather.or(drawn.map(|drawn| drawn.feather)).unwrap_or(0);
        inpaint.padding_mask_crop = self.only_masked.or(drawn.and_then(|drawn| drawn.padding_mask_crop));
        inpaint.outpaint = outpaint;
        Ok(Some(inpaint))
    }
}

/// Another picture may be meant; whoever wants the same one again should know.
pub(super) fn tell_if_other(path: &Path, picture: &Picture, hash: Option<&Sha256>) -> std::io::Result<()> {
    match hash {
        Some(hash) if *hash != Sha256::digest(&picture.rgb) => {
            writeln!(std::io::stderr(), "warning: `{}` has other pixels than the recipe's picture", path.display())
        }
        _ => Ok(()),
    }
}

/// Four numbers, or one for all sides.
fn margins(text: &str) -> Result<Margins, String> {
    let sides: Result<Vec<u32>, _> = text.split(',').map(|side| side.trim().parse()).collect();
    match sides.as_deref() {
        Ok(&[all]) => Ok(Margins { left: all, top: all, right: all, bottom: all }),
        Ok(&[left, top, right, bottom]) => Ok(Margins { left, top, right, bottom }),
        _ => Err("must be four numbers of pixels, as 0,0,64,0, or one for all sides".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_are_four_numbers_or_one() {
        assert_eq!(margins("1,2, 3,4"), Ok(Margins { left: 1, top: 2, right: 3, bottom: 4 }));
        assert_eq!(margins("8"), Ok(Margins { left: 8, top: 8, right: 8, bottom: 8 }));
        for text in ["", "1,2", "1,2,3,4,5", "-1", "1,2,3,x", "99999999999"] {
            assert!(margins(text).is_err(), "{text}");
        }
    }
}
