//! What U-Nets of two text encoders are told of a picture's size.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::image_size::ImageSize;
use crate::picture::LARGEST_SIDE;

/// What Stable Diffusion XL and its kind are told of a picture beside the prompt: from how large a picture it was cut, and where.
/// What is `None` is the size that is drawn; other models take none of it.
///
/// Names and meaning are diffusers' (`original_size`, `crops_coords_top_left`, `target_size`); the same goes to both branches of
/// guidance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MicroConditions {
    /// The size that the picture is to look as if it had been before it was made smaller or larger: small ones look blurred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_size: Option<ImageSize>,
    /// Pixels that are to look cut off above; 0 for a subject that is well in the middle.
    #[serde(default, skip_serializing_if = "crate::units::is_zero")]
    pub crop_top: u32,
    /// Pixels that are to look cut off on the left.
    #[serde(default, skip_serializing_if = "crate::units::is_zero")]
    pub crop_left: u32,
    /// The size that the picture is to look as if it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_size: Option<ImageSize>,
}

impl MicroConditions {
    /// How many numbers the U-Net takes of them.
    pub const TIME_IDS: usize = 6;

    /// As if it had been this large.
    #[must_use]
    pub fn with_original_size(mut self, width: u32, height: u32) -> Self {
        self.original_size = Some(ImageSize { width, height });
        self
    }

    /// As if so many pixels had been cut off.
    #[must_use]
    pub fn with_crop(mut self, top: u32, left: u32) -> Self {
        (self.crop_top, self.crop_left) = (top, left);
        self
    }

    /// As if it were this large.
    #[must_use]
    pub fn with_target_size(mut self, width: u32, height: u32) -> Self {
        self.target_size = Some(ImageSize { width, height });
        self
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The U-Net's `time_ids` of two numbers for a picture of this size: width and height.
    ///
    /// # Errors
    /// [`Error::BadRequest`] as [`time_ids`](Self::time_ids), and for what such a model is not told: a crop or a target size.
    pub fn size_ids(&self, width: u32, height: u32) -> Result<[f32; 2]> {
        if (self.crop_top, self.crop_left, self.target_size) != (0, 0, None) {
            let reason =
                "say of a crop or a target size, and this base model's U-Net is told of the original size alone";
            return Err(Error::request("micro_conditions", reason));
        }
        let [height, width, ..] = self.time_ids(width, height)?;
        Ok([width, height])
    }

    /// The U-Net's `time_ids` for a picture of this size.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for sizes of nothing, or beyond 8192.
    pub fn time_ids(&self, width: u32, height: u32) -> Result<[f32; Self::TIME_IDS]> {
        let own = ImageSize { width, height };
        let (original, target) = (self.original_size.unwrap_or(own), self.target_size.unwrap_or(own));
        for (name, side, least) in [
            ("original_size", original.width, 1),
            ("original_size", original.height, 1),
            ("crop_top", self.crop_top, 0),
            ("crop_left", self.crop_left, 0),
            ("target_size", target.width, 1),
            ("target_size", target.height, 1),
        ] {
            if side < least || side > LARGEST_SIDE {
                return Err(Error::request(name, format!("has {side} pixels; they must be {least} to {LARGEST_SIDE}")));
            }
        }
        let ids = [original.height, original.width, self.crop_top, self.crop_left, target.height, target.width];
        // At most 8192, which float32 holds.
        Ok(ids.map(|id| id as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_come_first_and_silence_is_the_size_that_is_drawn() {
        let silent = MicroConditions::default();
        assert_eq!(silent.time_ids(48, 32).expect("ids"), [32.0, 48.0, 0.0, 0.0, 32.0, 48.0]);
        assert_eq!(silent.size_ids(48, 32).expect("ids"), [48.0, 32.0]);
        assert_eq!(silent.with_original_size(64, 20).size_ids(48, 32).expect("ids"), [64.0, 20.0]);
        assert!(silent.with_crop(3, 0).size_ids(48, 32).is_err());
        let told = silent.with_original_size(64, 20).with_crop(3, 5).with_target_size(7, 9);
        assert_eq!(told.time_ids(48, 32).expect("ids"), [20.0, 64.0, 3.0, 5.0, 9.0, 7.0]);
        for wrong in [silent.with_target_size(0, 1), silent.with_crop(8193, 0), silent.with_original_size(1, 8193)] {
            assert!(wrong.time_ids(48, 32).is_err(), "{wrong:?}");
        }
    }
}
