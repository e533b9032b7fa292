//! What models of two text encoders are told of a picture's size.

use clap::Args;
use cones_core::MicroConditions;
use cones_core::model::manifest::ImageSize;

/// What Stable Diffusion XL and its kind are told of a picture's size.
#[derive(Debug, Args)]
pub(super) struct MicroArgs {
    /// Stable Diffusion XL and its kind: the size that the picture is to look as if it had been before it was made smaller or larger, by
    /// default the size that is drawn; small ones look blurred.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    original_size: Option<ImageSize>,
    /// Stable Diffusion XL and its kind: pixels that are to look cut off above and on the left; by default 0,0.
    #[arg(long, value_name = "TOP,LEFT", value_parser = crop)]
    crops_coords_top_left: Option<(u32, u32)>,
    /// Stable Diffusion XL and its kind: the size that the picture is to look as if it had; by default that which is drawn.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    target_size: Option<ImageSize>,
}

impl MicroArgs {
    /// What was typed, over what the recipe says.
    pub(super) fn conditions(&self, old: MicroConditions) -> MicroConditions {
        let mut told = old;
        told.original_size = self.original_size.or(old.original_size);
        told.target_size = self.target_size.or(old.target_size);
        match self.crops_coords_top_left {
            Some((top, left)) => told.with_crop(top, left),
            None => told,
        }
    }
}

fn size(text: &str) -> Result<ImageSize, String> {
    let (width, height) = pair(text, 'x').ok_or("must be two numbers, as 1024x768")?;
    Ok(ImageSize { width, height })
}

fn crop(text: &str) -> Result<(u32, u32), String> {
    pair(text, ',').ok_or_else(|| "must be two numbers, as 0,64".to_owned())
}

fn pair(text: &str, mark: char) -> Option<(u32, u32)> {
    let (first, second) = text.split_once(mark)?;
    Some((first.trim().parse().ok()?, second.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_crops_are_two_numbers() {
        assert_eq!(size("1024x768"), Ok(ImageSize { width: 1024, height: 768 }));
        assert_eq!(crop("3, 5"), Ok((3, 5)));
        for wrong in ["1024", "x", "1x", "-1x2", "1x2x3", ""] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
