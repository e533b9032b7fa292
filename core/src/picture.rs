//! Pictures: 8-bit RGB in memory, PNG with a recipe on disk.

use std::path::Path;

use crate::{Error, Result};

/// An RGB picture, 8 bits a channel, row by row from the top left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Reads a PNG, JPEG or WebP file; transparent parts become white.
    ///
    /// # Errors
    /// [`Error::Picture`] when it is none of these or damaged, or larger than 8192 pixels a side.
    pub fn open(path: &Path) -> Result<Self> {
        let bad = |reason: String| Error::Picture { path: path.to_path_buf(), reason };
        let mut reader = image::ImageReader::open(path)
            .and_then(image::ImageReader::with_guessed_format)
            .map_err(Error::io("open", path))?;
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(8192);
        limits.max_image_height = Some(8192);
        reader.limits(limits);
        let rgba = reader.decode().map_err(|error| bad(error.to_string()))?.to_rgba8();
        let over_white = |channel: u8, alpha: u8| {
            let (c, a) = (u32::from(channel), u32::from(alpha));
            // At most 255, so it fits.
            ((c * a + 255 * (255 - a) + 127) / 255) as u8
        };
        let rgb = rgba.pixels().flat_map(|p| [0, 1, 2].map(|i| over_white(p.0[i], p.0[3]))).collect();
        Ok(Self { width: rgba.width(), height: rgba.height(), rgb })
    }

    /// From the VAE's output, `3 × height × width` in -1..1; what lies outside is clamped, as in diffusers.
    pub(crate) fn from_planes(planes: &[f32], width: u32, height: u32) -> Self {
        let pixels = width as usize * height as usize;
        let mut rgb = Vec::with_capacity(3 * pixels);
        for i in 0..pixels {
            for channel in 0..3 {
                let value = planes.get(channel * pixels + i).copied().unwrap_or(0.0);
                rgb.push(to_byte(value / 2.0 + 0.5));
            }
        }
        Self { width, height, rgb }
    }

    /// `3 × height × width` in -1..1.
    pub(crate) fn to_planes(&self) -> Vec<f32> {
        let pixels = self.width as usize * self.height as usize;
        let mut planes = vec![0.0; 3 * pixels];
        for (i, pixel) in self.rgb.chunks_exact(3).take(pixels).enumerate() {
            for (channel, &byte) in pixel.iter().enumerate() {
                planes[channel * pixels + i] = f32::from(byte) / 127.5 - 1.0;
            }
        }
        planes
    }

    /// The same picture at another size (Lanczos, as diffusers' image processor).
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the bytes do not match width and height.
    pub fn resized(&self, width: u32, height: u32) -> Result<Self> {
        if (self.width, self.height) == (width, height) {
            return Ok(self.clone());
        }
        let buffer = image::RgbImage::from_raw(self.width, self.height, self.rgb.clone())
            .ok_or_else(|| Error::request("init", "picture has another number of bytes than its size says"))?;
        let resized = image::imageops::resize(&buffer, width, height, image::imageops::FilterType::Lanczos3);
        Ok(Self { width, height, rgb: resized.into_raw() })
    }

    /// Width and height agree with the number of bytes.
    pub(crate) fn is_whole(&self) -> bool {
        let sides = [self.width as usize, self.height as usize];
        let bytes = sides.into_iter().try_fold(3usize, usize::checked_mul);
        sides.iter().all(|side| *side > 0) && bytes == Some(self.rgb.len())
    }
}

/// 0..1 to 0..255, rounded half to even as NumPy does; NaN becomes 0.
pub(crate) fn to_byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round_ties_even() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_round_trip_every_byte() {
        let rgb: Vec<u8> = (0..=255).flat_map(|v| [v, 255 - v, v / 2]).collect();
        let picture = Picture { width: 16, height: 16, rgb };
        assert_eq!(Picture::from_planes(&picture.to_planes(), 16, 16), picture);
    }

    #[test]
    fn values_outside_are_clamped() {
        assert_eq!(to_byte(-0.1), 0);
        assert_eq!(to_byte(1.1), 255);
        assert_eq!(to_byte(f32::NAN), 0);
    }
}
