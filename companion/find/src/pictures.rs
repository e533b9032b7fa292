//! The subject's pictures, as the model takes them.

use std::path::{Path, PathBuf};

use cones_core::Picture;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Rgb, RgbImage};

use crate::error::{Error, Result};

/// More pictures than a subject has; a folder with more is probably the wrong one.
const MOST: usize = 100;
/// Larger pictures are refused: they are decoded whole.
const LARGEST_SIDE: u32 = 16_384;

/// The pictures of a folder (PNG, JPEG, WebP) in the order of their names.
///
/// # Errors
/// When the folder cannot be read, holds no picture or more than 100.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cones_core::Error::io("read the folder", folder))? {
        let path = entry.map_err(cones_core::Error::io("read the folder", folder))?.path();
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if !hidden && matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg" | "webp")) {
            found.push(path);
        }
    }
    found.sort();
    match found.len() {
        0 => Err(Error::NoPictures { folder: folder.to_path_buf() }),
        1..=MOST => Ok(found),
        count => Err(Error::file(folder, format!("holds {count} pictures; a subject needs 1 to 10, {MOST} at most"))),
    }
}

/// Reads a picture upright (by its EXIF orientation), over white where it is transparent, cut to the aspect of
/// `width × height` around its middle, and resized to that.
///
/// # Errors
/// [`cones_core::Error::Picture`], [`cones_core::Error::Io`].
pub fn open_as(path: &Path, width: u32, height: u32) -> Result<Picture, cones_core::Error> {
    let bad =
        |error: image::ImageError| cones_core::Error::Picture { path: path.to_path_buf(), reason: error.to_string() };
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(cones_core::Error::io("open", path))?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(bad)?;
    let orientation = decoder.orientation().map_err(bad)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(bad)?;
    picture.apply_orientation(orientation);
    let upright = over_white(&picture);
    let (left, top, across, down) = middle(upright.width(), upright.height(), width, height);
    let cut = image::imageops::crop_imm(&upright, left, top, across, down).to_image();
    let sized = match (across, down) == (width, height) {
        true => cut,
        false => image::imageops::resize(&cut, width, height, FilterType::Lanczos3),
    };
    Ok(Picture { width, height, rgb: sized.into_raw() })
}

/// The picture mirrored left to right.
pub fn mirrored(picture: &Picture) -> Picture {
    let mut rgb = Vec::with_capacity(picture.rgb.len());
    for row in picture.rgb.chunks_exact(3 * picture.width.max(1) as usize) {
        rgb.extend(row.chunks_exact(3).rev().flatten());
    }
    Picture { rgb, ..picture.clone() }
}

fn over_white(picture: &DynamicImage) -> RgbImage {
    let rgba = picture.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u32::from);
        // At most 255, so it fits.
        Rgb([r, g, b].map(|c| ((c * a + 255 * (255 - a) + 127) / 255) as u8))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_has_the_aspect_asked_for() {
        assert_eq!(middle(100, 50, 64, 64), (25, 0, 50, 50));
        assert_eq!(middle(50, 100, 64, 64), (0, 25, 50, 50));
        assert_eq!(middle(64, 64, 64, 64), (0, 0, 64, 64));
        assert_eq!(middle(1, 1000, 64, 64), (0, 499, 1, 1));
        assert_eq!(middle(90, 60, 3, 2), (0, 0, 90, 60));
    }

    #[test]
    fn mirrors_swap_left_and_right() {
        let picture = Picture { width: 2, height: 1, rgb: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(mirrored(&picture).rgb, [4, 5, 6, 1, 2, 3]);
        assert_eq!(mirrored(&mirrored(&picture)), picture);
    }
}
