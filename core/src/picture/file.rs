//! Pictures from files, as people have them.
//!
//! Photos are turned upright by their EXIF orientation, transparent parts become white, 16-bit and grey pictures and JPEGs in CMYK
//! become 8-bit RGB. What is not whole is refused: a decoder would fill the missing part with grey without a word.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::{Picture, webp};
use crate::error::{Error, Result};

/// Pixels along one side.
const LARGEST_SIDE: u32 = 16_384;
/// Pixels in all: a photo of a good camera, in 128 MB while it is decoded.
const MOST_PIXELS: u64 = 32_000_000;
/// No file of a picture that size is longer.
const MOST_BYTES: u64 = 256 << 20;

impl Picture {
    /// Reads a PNG, JPEG or WebP file, upright; see [`file`](self).
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Picture`] when it is none of these, damaged or cut off, or larger than 16,384 pixels a side or
    /// 32 million pixels in all.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_over(path, [255; 3])
    }

    /// Reads the picture of a mask for inpainting: as [`open`](Self::open), but transparent parts become black, so that what
    /// nobody painted is kept.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_mask_image(path: &Path) -> Result<Self> {
        Self::open_over(path, [0; 3])
    }

    /// Transparent parts take the colour of the background.
    fn open_over(path: &Path, background: [u8; 3]) -> Result<Self> {
        let file = std::fs::File::open(path).map_err(Error::io("open", path))?;
        let mut bytes = Vec::new();
        BufReader::new(file).take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(Error::picture(path, format!("it is longer than {} MB", MOST_BYTES >> 20)));
        }
        decode(&bytes, background).map_err(|reason| Error::picture(path, reason))
    }
}

/// What is read.
const READ: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP];

/// Why a file is not read: which other kind of picture it is, or that it is none.
fn foreign(bytes: &[u8]) -> String {
    let brand = bytes.get(4..12).and_then(|brand| brand.strip_prefix(b"ftyp"));
    let name = match (bytes, brand) {
        (_, Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1")) => "HEIC",
        (_, Some(b"avif" | b"avis")) => "AVIF",
        ([b'G', b'I', b'F', b'8', ..], _) => "GIF",
        ([b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..], _) => "TIFF",
        ([b'B', b'M', ..], _) if bytes.len() > 26 => "BMP",
        _ => return "it is not a picture: no PNG, JPEG or WebP".into(),
    };
    format!("it is a {name}, which is not read: convert it to PNG, JPEG or WebP")
}

/// A picture from the bytes of its file.
fn decode(bytes: &[u8], background: [u8; 3]) -> Result<Picture, String> {
    let said = |error: image::ImageError| error.to_string();
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let format = reader.format().filter(|format| READ.contains(format)).ok_or_else(|| foreign(bytes))?;
    if format == ImageFormat::Jpeg && is_cut_off(bytes) {
        return Err("the end of the JPEG is missing: the copy is incomplete".into());
    }
    if format == ImageFormat::WebP {
        webp::check(Cursor::new(bytes))?;
    }
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(said)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!("it has {width} x {height} pixels; at most {} million are read", MOST_PIXELS / 1_000_000));
    }
    let orientation = decoder.orientation().map_err(said)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(said)?;
    picture.apply_orientation(orientation);
    let rgba = picture.into_rgba8();
    let rgb = rgba.as_raw().chunks_exact(4).flat_map(|pixel| super::pixel_over(pixel, background)).collect();
    Ok(Picture { width: rgba.width(), height: rgba.height(), rgb })
}

/// Whether a JPEG has no end behind its last scan. Inside a scan every 0xff is followed by 0, so the marker cannot be
/// mistaken; a preview in the file's head has an end of its own, which comes before.
fn is_cut_off(bytes: &[u8]) -> bool {
    let marker = |code: u8| move |pair: &[u8]| pair == [0xff, code];
    match bytes.windows(2).rposition(marker(0xda)) {
        Some(scan) => !bytes.get(scan..).unwrap_or_default().windows(2).any(marker(0xd9)),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Picture, String> {
        super::decode(bytes, [255; 3])
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("can be encoded");
        bytes.into_inner()
    }

    /// Left half red, right half blue.
    fn halves() -> DynamicImage {
        let pixel = |x: u32, _| if x < 16 { image::Rgb([250u8, 0, 0]) } else { image::Rgb([0, 0, 250]) };
        image::RgbImage::from_fn(32, 16, pixel).into()
    }

    /// Puts an EXIF block with this orientation behind a JPEG's first marker.
    fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        let length = (exif.len() as u16 + 2).to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
    }

    #[test]
    fn photos_are_turned_upright() {
        let jpeg = encoded(&halves(), ImageFormat::Jpeg);
        let upright = decode(&jpeg).expect("a picture");
        assert_eq!((upright.width, upright.height), (32, 16));
        // Orientation 6: the camera was turned, so the left of the file is the top.
        let picture = decode(&turned(&jpeg, 6)).expect("a picture");
        assert_eq!((picture.width, picture.height), (16, 32));
        let (first, last) = (&picture.rgb[..3], &picture.rgb[picture.rgb.len() - 3..]);
        assert!(first[0] > 200 && first[2] < 60 && last[0] < 60 && last[2] > 200, "{first:?} {last:?}");
    }

    #[test]
    fn a_jpeg_that_is_cut_off_is_refused_and_one_with_more_behind_it_is_read() {
        let jpeg = encoded(&halves(), ImageFormat::Jpeg);
        for length in [jpeg.len() - 2, jpeg.len() * 3 / 4, 30] {
            assert!(decode(&jpeg[..length]).is_err(), "{length} of {} bytes", jpeg.len());
        }
        assert!(decode(&[&jpeg, &[0; 40][..]].concat()).is_ok());
    }

    #[test]
    fn deep_grey_and_transparent_pictures_become_rgb() {
        let deep = image::ImageBuffer::from_pixel(2, 2, image::Luma([0x8080u16]));
        assert_eq!(decode(&encoded(&deep.into(), ImageFormat::Png)).expect("a picture").rgb, [128; 12]);
        let clear = image::ImageBuffer::from_pixel(1, 1, image::Rgba([9u8, 9, 9, 0]));
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            assert_eq!(decode(&encoded(&clear.clone().into(), format)).expect("a picture").rgb, [255; 3]);
        }
    }

    #[test]
    fn what_nobody_painted_on_a_mask_is_black() {
        let stroke = image::RgbaImage::from_raw(2, 1, vec![255, 255, 255, 255, 255, 255, 255, 0]).expect("a picture");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("mask.png");
        stroke.save(&path).expect("saved");
        assert_eq!(Picture::open_mask_image(&path).expect("a picture").rgb, [255, 255, 255, 0, 0, 0]);
        assert_eq!(Picture::open(&path).expect("a picture").rgb, [255; 6]);
    }

    /// A PNG's checksum.
    fn crc32(bytes: &[u8]) -> u32 {
        let shifted = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        !bytes.iter().fold(!0, |crc: u32, byte| (0..8).fold(crc ^ u32::from(*byte), shifted))
    }

    /// Right in all but that they say of themselves to be larger than they are: the size alone is what they are refused for, before
    /// memory is taken for it.
    #[test]
    fn too_large_files_are_refused_for_their_size_alone() {
        let png = |width: u32, height: u32| {
            let mut bytes = encoded(&halves(), ImageFormat::Png);
            bytes[16..20].copy_from_slice(&width.to_be_bytes());
            bytes[20..24].copy_from_slice(&height.to_be_bytes());
            let crc = crc32(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&crc.to_be_bytes());
            decode(&bytes)
        };
        assert!(png(32, 16).is_ok(), "the checksum is right");
        let jpeg = |width: u16, height: u16| {
            let mut bytes = encoded(&halves(), ImageFormat::Jpeg);
            let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a baseline frame");
            bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
            bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
            decode(&bytes)
        };
        assert!(jpeg(32, 16).is_ok());
        let webp = |width: u32, height: u32| {
            let mut bytes = encoded(&halves(), ImageFormat::WebP);
            let start = bytes.windows(4).position(|four| four == b"VP8L").expect("a lossless stream") + 9;
            let sizes = (width - 1) | (height - 1) << 14 | u32::from(bytes[start + 3] >> 4) << 28;
            bytes[start..start + 4].copy_from_slice(&sizes.to_le_bytes());
            decode(&bytes)
        };
        assert!(webp(32, 16).is_ok());
        for (found, size) in [
            (png(6000, 6000), "6000 x 6000"),
            (jpeg(6000, 6000), "6000 x 6000"),
            (webp(6000, 6000), "6000 x 6000"),
            (png(16_384, 16_384), "16384 x 16384"),
            (webp(16_383, 16_383), "16383 x 16383"),
        ] {
            let said = found.expect_err("too many pixels");
            assert!(said.contains(size) && said.contains("32 million"), "{said}");
        }
        for found in [png(16_385, 1), png(1, 16_385), png(0x7fff_ffff, 0x7fff_ffff), jpeg(16_385, 1), jpeg(1, 65_535)] {
            let said = found.expect_err("too long a side");
            assert!(said.contains("limit"), "{said}");
        }
    }

    #[test]
    fn foreign_files_are_named() {
        for bytes in [&b""[..], b"GIF89a", b"not a picture", &[0xff, 0xd8, 0xff]] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
        let words = |bytes: &[u8]| decode(bytes).expect_err("no picture that is read");
        assert_eq!(words(b"# Readme"), "it is not a picture: no PNG, JPEG or WebP");
        for (bytes, name) in [
            (&b"GIF89a"[..], "GIF"),
            (b"\0\0\0\x18ftypheic\0\0", "HEIC"),
            (b"\0\0\0\x18ftypavif\0\0", "AVIF"),
            (b"II*\0\x08\0\0\0", "TIFF"),
        ] {
            assert!(words(bytes).contains(&format!("it is a {name}")), "{}", words(bytes));
        }
    }
}
