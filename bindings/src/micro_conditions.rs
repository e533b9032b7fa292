//! What models of two text encoders are told of a picture's size.

use cones_core::model::manifest;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct ImageSize {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// What Stable Diffusion XL and its kind are told of a picture's size; what is left out is the size that is drawn.
/// diffusers' `original_size`, `crops_coords_top_left` and `target_size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct MicroConditions {
    /// The size that the picture is to look as if it had been before it was made smaller or larger: small ones look blurred.
    #[uniffi(default)]
    pub original_size: Option<ImageSize>,
    /// Pixels that are to look cut off above.
    #[uniffi(default)]
    pub crop_top: u32,
    /// Pixels that are to look cut off on the left.
    #[uniffi(default)]
    pub crop_left: u32,
    /// The size that the picture is to look as if it had.
    #[uniffi(default)]
    pub target_size: Option<ImageSize>,
}

impl From<manifest::ImageSize> for ImageSize {
    fn from(size: manifest::ImageSize) -> Self {
        Self { width: size.width, height: size.height }
    }
}

impl From<MicroConditions> for cones_core::MicroConditions {
    fn from(told: MicroConditions) -> Self {
        let size = |size: ImageSize| manifest::ImageSize { width: size.width, height: size.height };
        let mut core = Self::default().with_crop(told.crop_top, told.crop_left);
        core.original_size = told.original_size.map(size);
        core.target_size = told.target_size.map(size);
        core
    }
}

impl MicroConditions {
    /// Those of a recipe; none where nothing was said.
    pub(crate) fn of(told: cones_core::MicroConditions) -> Option<Self> {
        let own = Self {
            original_size: told.original_size.map(Into::into),
            crop_top: told.crop_top,
            crop_left: told.crop_left,
            target_size: told.target_size.map(Into::into),
        };
        (!told.is_default()).then_some(own)
    }
}
