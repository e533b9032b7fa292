//! Pictures: 8-bit RGB in memory, PNG, JPEG or WebP with a recipe on disk.

pub(crate) mod canvas;
mod exif;
pub mod file;
pub mod foreign;
pub mod format;
mod hires_recipe;
pub mod infotext;
mod init_recipe;
pub mod inpaint;
mod parameters;
pub(crate) mod part;
pub mod recipe;
mod recipe_hash;
pub(crate) mod region;
mod subject_recipe;
mod texts;
mod webp;
pub mod writing;

use image::imageops::FilterType;

use crate::error::{Error, Result};

/// How pictures are scaled: as diffusers' image processor does.
pub(crate) const SHARP: FilterType = FilterType::Lanczos3;
/// How masks are scaled: without ringing, so that what is black stays black.
pub(crate) const SOFT: FilterType = FilterType::Triangle;

/// Pixels along one side. Above this a latent no longer fits a phone's memory by far.
pub(crate) const LARGEST_SIDE: u32 = 8192;

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
    /// From RGBA bytes, row by row from the top left, alpha not multiplied in; transparent parts become white.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the number of bytes is not `4 * width * height`, or a side is 0 or above 8192.
    pub fn from_rgba(width: u32, height: u32, rgba: &[u8]) -> Result<Self> {
        let sides = 1..=LARGEST_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            let reason = format!("is {width}x{height}; a side must be 1 to {LARGEST_SIDE} pixels");
            return Err(Error::request("picture", reason));
        }
        let expected = 4 * u64::from(width) * u64::from(height);
        if rgba.len() as u64 != expected {
            let reason = format!("has {} bytes; {width}x{height} in RGBA are {expected}", rgba.len());
            return Err(Error::request("picture", reason));
        }
        let rgb = rgba.chunks_exact(4).flat_map(|pixel| pixel_over(pixel, [255; 3])).collect();
        Ok(Self { width, height, rgb })
    }

    /// RGBA bytes, row by row from the top left, every alpha 255.
    pub fn to_rgba(&self) -> Vec<u8> {
        self.rgb.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect()
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

    /// Its largest middle part with the aspect of `width × height`, at that size: nothing is stretched.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the bytes do not match width and height.
    pub fn fitted(&self, width: u32, height: u32) -> Result<Self> {
        self.fitted_by(width, height, SHARP)
    }

    /// [`fitted`](Self::fitted), scaled with `filter`.
    pub(crate) fn fitted_by(&self, width: u32, height: u32, filter: FilterType) -> Result<Self> {
        let (left, top, across, down) = middle(self.width, self.height, width, height);
        if (across, down) == (self.width, self.height) {
            return self.scaled(width, height, filter);
        }
        let cut = image::imageops::crop_imm(&self.buffer()?, left, top, across, down).to_image();
        Self { width: across, height: down, rgb: cut.into_raw() }.scaled(width, height, filter)
    }

    /// Each pixel as a square of `times × times` pixels: a small picture shown large, with nothing added to it.
    #[must_use]
    pub fn enlarged(&self, times: u32) -> Self {
        let times = times.max(1) as usize;
        let mut rgb = Vec::with_capacity(self.rgb.len() * times * times);
        for row in self.rgb.chunks_exact(3 * (self.width.max(1) as usize)) {
            let wide: Vec<u8> = row.chunks_exact(3).flat_map(|pixel| pixel.repeat(times)).collect();
            for _ in 0..times {
                rgb.extend_from_slice(&wide);
            }
        }
        // Sides are at most 8192, and nobody enlarges by more than a screen holds.
        let side = |side: u32| side.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX));
        Self { width: side(self.width), height: side(self.height), rgb }
    }

    /// Stretched or shrunk to another size (Lanczos, as diffusers' image processor).
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the bytes do not match width and height.
    pub fn resized(&self, width: u32, height: u32) -> Result<Self> {
        self.scaled(width, height, SHARP)
    }

    /// A copy of another size, sampled with `filter`.
    pub(crate) fn scaled(&self, width: u32, height: u32, filter: FilterType) -> Result<Self> {
        if (self.width, self.height) == (width, height) {
            return Ok(self.clone());
        }
        let resized = image::imageops::resize(&self.buffer()?, width, height, filter);
        Ok(Self { width, height, rgb: resized.into_raw() })
    }

    pub(crate) fn buffer(&self) -> Result<image::RgbImage> {
        image::RgbImage::from_raw(self.width, self.height, self.rgb.clone())
            .ok_or_else(|| Error::request("picture", "has another number of bytes than its size says"))
    }

    /// Width and height agree with the number of bytes.
    pub(crate) fn is_whole(&self) -> bool {
        let sides = [self.width as usize, self.height as usize];
        let bytes = sides.into_iter().try_fold(3usize, usize::checked_mul);
        sides.iter().all(|side| *side > 0) && bytes == Some(self.rgb.len())
    }
}

/// Left, top, width and height of the largest middle part with the aspect of `width × height`.
fn middle(across: u32, down: u32, width: u32, height: u32) -> (u32, u32, u32, u32) {
    let (a, d) = (u64::from(across), u64::from(down));
    let (w, h) = (u64::from(width.max(1)), u64::from(height.max(1)));
    // At most the picture's own sides, so they fit.
    let (part_a, part_d) =
        if a * h > d * w { (((d * w) / h).max(1) as u32, down) } else { (across, ((a * h) / w).max(1) as u32) };
    ((across - part_a.min(across)) / 2, (down - part_d.min(down)) / 2, part_a, part_d)
}

/// A pixel of four channels, laid over a background.
fn pixel_over(rgba: &[u8], background: [u8; 3]) -> [u8; 3] {
    match rgba {
        &[red, green, blue, alpha] => {
            let mut over = background;
            over.iter_mut().zip([red, green, blue]).for_each(|(below, channel)| *below = mixed(*below, channel, alpha));
            over
        }
        _ => background,
    }
}

/// Two bytes by how much there is of the second, of 255.
pub(crate) fn mixed(below: u8, above: u8, much: u8) -> u8 {
    let (below, above, much) = (u32::from(below), u32::from(above), u32::from(much));
    // At most 255, so it fits.
    ((below * (255 - much) + above * much + 127) / 255) as u8
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
    fn rgba_round_trips_and_transparent_parts_become_white() {
        let rgb: Vec<u8> = (0..60).collect();
        let picture = Picture { width: 5, height: 4, rgb };
        let rgba = picture.to_rgba();
        assert_eq!(Picture::from_rgba(5, 4, &rgba).expect("a picture"), picture);
        let blended = Picture::from_rgba(3, 1, &[10, 20, 30, 0, 10, 20, 30, 255, 0, 0, 0, 128]).expect("a picture");
        assert_eq!(blended.rgb, [255, 255, 255, 10, 20, 30, 127, 127, 127]);
    }

    #[test]
    fn rgba_of_another_size_is_refused() {
        for (width, height, bytes) in [(2, 2, 15), (2, 2, 17), (0, 2, 0), (2, 0, 0), (u32::MAX, u32::MAX, 4)] {
            let refused = Picture::from_rgba(width, height, &vec![0; bytes]);
            assert!(matches!(refused, Err(Error::BadRequest { field: "picture", .. })), "{width}x{height}");
        }
    }

    #[test]
    fn the_middle_has_the_aspect_asked_for() {
        assert_eq!(middle(100, 50, 64, 64), (25, 0, 50, 50));
        assert_eq!(middle(50, 100, 64, 64), (0, 25, 50, 50));
        assert_eq!(middle(64, 64, 64, 64), (0, 0, 64, 64));
        assert_eq!(middle(1, 1000, 64, 64), (0, 499, 1, 1));
        assert_eq!(middle(90, 60, 3, 2), (0, 0, 90, 60));
        let wide = Picture { width: 4, height: 1, rgb: [[1; 3], [2; 3], [3; 3], [4; 3]].concat() };
        assert_eq!(wide.fitted(2, 1).expect("a picture").rgb, [2, 2, 2, 3, 3, 3]);
    }

    #[test]
    fn enlarging_repeats_pixels() {
        let picture = Picture { width: 2, height: 1, rgb: vec![1, 2, 3, 4, 5, 6] };
        let large = picture.enlarged(2);
        assert_eq!((large.width, large.height), (4, 2));
        assert_eq!(large.rgb, [[1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]; 2].concat());
        assert_eq!((picture.enlarged(1), picture.enlarged(0)), (picture.clone(), picture));
    }

    #[test]
    fn values_outside_are_clamped() {
        assert_eq!(to_byte(-0.1), 0);
        assert_eq!(to_byte(1.1), 255);
        assert_eq!(to_byte(f32::NAN), 0);
    }
}
