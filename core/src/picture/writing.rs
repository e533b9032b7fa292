//! Writing a picture's file, with the recipe that it was drawn by inside.

use std::io::Write;
use std::path::Path;

use image::codecs::{jpeg::JpegEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::disk::atomic::AtomicFile;
use crate::error::{Error, Result};
use crate::picture::format::PictureFormat;
use crate::picture::recipe::Recipe;
use crate::picture::texts::{EXACT, READABLE};
use crate::picture::{Picture, exif};

/// Of 100. What is lost is seen by nobody, at a fifth of a PNG's bytes.
const JPEG_QUALITY: u8 = 95;
/// An EXIF block of a JPEG is one segment, whose length has 16 bits.
const MOST_EXIF: usize = 65_000;

/// Writes a picture, with its recipe if it has one: as the ending of the name says, PNG where it says nothing; under a temporary name
/// in the same folder, then renamed.
///
/// # Errors
/// [`Error::Io`]; [`Error::Picture`] where the ending is that of a format that is not written, and as [`encode`].
pub fn save<'a>(picture: &Picture, recipe: impl Into<Option<&'a Recipe>>, path: &Path) -> Result<()> {
    let format = PictureFormat::of(path)?.unwrap_or_default();
    let bytes = encode(picture, recipe, format)
        .map_err(|reason| Error::picture(path, format!("cannot be written: {reason}")))?;
    let mut file = AtomicFile::create(path)?;
    file.write_all(&bytes).map_err(Error::io("write", path))?;
    file.finish()
}

/// The bytes of a picture's file, with its recipe if it has one.
///
/// # Errors
/// In words, where the format does not hold a picture so large, or a recipe so long.
pub fn encode<'a>(
    picture: &Picture,
    recipe: impl Into<Option<&'a Recipe>>,
    format: PictureFormat,
) -> std::result::Result<Vec<u8>, String> {
    if !picture.is_whole() {
        return Err("it has another number of bytes than its size says".into());
    }
    let recipe = recipe.into();
    let mut bytes = Vec::new();
    if format == PictureFormat::Png {
        png(picture, recipe, &mut bytes).map_err(|error| error.to_string())?;
        return Ok(bytes);
    }
    let block = recipe.map(exif_block).transpose()?;
    let written = match format {
        PictureFormat::Jpeg => {
            if block.as_ref().is_some_and(|block| block.len() > MOST_EXIF) {
                return Err("its recipe is longer than a JPEG holds; write a PNG or WebP".into());
            }
            write_with(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY), picture, block)
        }
        _ => write_with(WebPEncoder::new_lossless(&mut bytes), picture, block),
    };
    written.map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn write_with(mut encoder: impl ImageEncoder, picture: &Picture, exif: Option<Vec<u8>>) -> image::ImageResult<()> {
    if let Some(block) = exif {
        encoder.set_exif_metadata(block).map_err(image::ImageError::Unsupported)?;
    }
    encoder.write_image(&picture.rgb, picture.width, picture.height, ExtendedColorType::Rgb8)
}

fn exif_block(recipe: &Recipe) -> std::result::Result<Vec<u8>, String> {
    let exact = serde_json::to_string(recipe).map_err(|error| error.to_string())?;
    exif::block(&recipe.parameters(), &exact, &recipe.software).map_err(|error| error.to_string())
}

fn png(picture: &Picture, recipe: Option<&Recipe>, out: &mut Vec<u8>) -> std::result::Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(out, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    if let Some(recipe) = recipe {
        encoder.add_itxt_chunk(READABLE.into(), recipe.parameters())?;
        let exact = serde_json::to_string(recipe).map_err(|error| std::io::Error::other(error.to_string()))?;
        encoder.add_itxt_chunk(EXACT.into(), exact)?;
    }
    encoder.write_header()?.write_image_data(&picture.rgb)?;
    Ok(())
}
