//! Cheap previews: a linear map from latent to RGB.

use crate::model::manifest::Preview;
use crate::picture::Picture;
use crate::picture::to_byte;

impl Preview {
    /// `channels × height × width` to a picture of `width × height`; no VAE is involved.
    pub(crate) fn picture(&self, latent: &[f32], width: u32, height: u32) -> Picture {
        let cells = width as usize * height as usize;
        let mut rgb = Vec::with_capacity(3 * cells);
        for cell in 0..cells {
            let mut colour = self.bias;
            for (weight, plane) in self.weight.iter().zip(latent.chunks_exact(cells.max(1))) {
                for (c, w) in colour.iter_mut().zip(weight) {
                    *c += w * plane[cell];
                }
            }
            rgb.extend(colour.map(to_byte));
        }
        Picture { width, height, rgb }
    }
}
