//! The texts about its making that a picture's file holds.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use image::codecs::{jpeg::JpegDecoder, webp::WebPDecoder};
use image::{ImageDecoder, ImageFormat};

use super::{exif, webp};
use crate::error::{Error, Result};

/// The name of the text for people, as other tools write it, too.
pub(super) const READABLE: &str = "parameters";
/// The name of the text that only we write: JSON.
pub(super) const EXACT: &str = "cones";

/// No file with a picture of ours is longer.
const MOST_BYTES: u64 = 1 << 30;

/// The texts about its making that a picture's file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Texts {
    /// What people and other tools read.
    pub(super) readable: Option<String>,
    /// Our own JSON.
    pub(super) exact: Option<String>,
    /// Names of further texts, as other tools have.
    pub(super) others: Vec<String>,
}

impl Texts {
    /// Those of a PNG, JPEG or WebP file. The pixels are not decoded.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Picture`] when it is none of these, or damaged before its texts.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bad = |reason: String| Error::picture(path, reason);
        let file = File::open(path).map_err(Error::io("open", path))?;
        let mut file = BufReader::new(file);
        let mut start = [0; 12];
        let mut length = 0;
        while length < start.len() {
            match file.read(&mut start[length..]).map_err(Error::io("read", path))? {
                0 => break,
                more => length += more,
            }
        }
        file.rewind().map_err(Error::io("read", path))?;
        let said = |error: image::ImageError| bad(format!("it is damaged: {error}"));
        match image::guess_format(&start[..length]) {
            Ok(ImageFormat::Png) => Self::of_png(file).map_err(|error| bad(format!("it is damaged: {error}"))),
            Ok(ImageFormat::Jpeg) => {
                // The decoder takes the whole file into memory.
                if file.get_ref().metadata().is_ok_and(|m| m.len() > MOST_BYTES) {
                    return Err(bad("it is longer than 1 GB".into()));
                }
                let block = JpegDecoder::new(file).and_then(|mut decoder| decoder.exif_metadata()).map_err(said)?;
                Ok(Self::of_exif(block))
            }
            Ok(ImageFormat::WebP) => {
                webp::check(&mut file).map_err(|reason| bad(format!("it is damaged: {reason}")))?;
                let block = WebPDecoder::new(file).and_then(|mut decoder| decoder.exif_metadata()).map_err(said)?;
                Ok(Self::of_exif(block))
            }
            _ => Err(bad("it is not a picture: no PNG, JPEG or WebP".into())),
        }
    }

    fn of_exif(block: Option<Vec<u8>>) -> Self {
        let (readable, exact) = block.map(exif::texts).unwrap_or_default();
        Self { readable, exact, others: Vec::new() }
    }

    fn of_png(file: BufReader<File>) -> std::result::Result<Self, png::DecodingError> {
        let reader = png::Decoder::new(file).read_info()?;
        let info = reader.info();
        let mut texts = Self::default();
        // What cannot be unpacked is as good as not there.
        let plain = info.uncompressed_latin1_text.iter().map(|c| (&c.keyword, Some(c.text.clone())));
        let packed = info.compressed_latin1_text.iter().map(|c| (&c.keyword, c.get_text().ok()));
        let unicode = info.utf8_text.iter().map(|c| (&c.keyword, c.get_text().ok()));
        for (name, text) in unicode.chain(plain).chain(packed) {
            match name.as_str() {
                READABLE => texts.readable = texts.readable.or(text),
                EXACT => texts.exact = texts.exact.or(text),
                other => texts.others.push(other.to_owned()),
            }
        }
        Ok(texts)
    }
}
