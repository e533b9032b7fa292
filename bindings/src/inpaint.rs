//! What of a picture is drawn anew.

use std::sync::Arc;

use crate::{Margins, Picture};

/// The region of the init picture that is drawn anew (inpainting), and strips around it (outpainting). All else keeps its bytes.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Inpaint {
    /// A picture of any size, stretched over the init picture: white is redrawn, black is kept, grey is blended. Paint it on
    /// opaque black: transparent parts of a picture count as white. May be missing where `outpaint` says what is drawn.
    #[uniffi(default)]
    pub mask_image: Option<Arc<Picture>>,
    /// How many pixels of the init picture the white part grows to each side, up to 1024.
    #[uniffi(default)]
    pub grow: u32,
    /// How soft its edge becomes: the radius of a blur in pixels of the init picture, up to 1024.
    #[uniffi(default)]
    pub feather: u32,
    /// Draws only what is masked, with so many pixels around it, at the full size of the request, and pastes it back; what
    /// comes out has the init picture's size. 32 by custom. Left out, the whole picture is drawn at the size of the request.
    #[uniffi(default)]
    pub padding_mask_crop: Option<u32>,
    /// Strips that are added around the init picture and drawn.
    #[uniffi(default)]
    pub outpaint: Option<Margins>,
}

impl Inpaint {
    pub(crate) fn resolve(&self) -> cones_core::Inpaint {
        let mut inpaint = cones_core::Inpaint::default().with_grow(self.grow).with_feather(self.feather);
        inpaint.mask_image = self.mask_image.as_ref().map(|mask| mask.pixels().clone());
        inpaint.padding_mask_crop = self.padding_mask_crop;
        if let Some(Margins { left, top, right, bottom }) = self.outpaint {
            inpaint.outpaint = cones_core::Margins { left, top, right, bottom };
        }
        inpaint
    }
}
