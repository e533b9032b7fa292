//! Pictures inside the page, as data URIs.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cones_core::{Error, Picture};
use image::{ImageFormat, RgbImage};
use maud::{Markup, html};

use crate::failure::Failure;

/// Up to this many pixels a side a picture is kept as it is.
const EXACT: u32 = 256;

/// A picture as an element of the page can hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// `data:image/…;base64,…`
    pub uri: String,
    /// Whether its pixels are few enough to be shown as squares.
    pub is_small: bool,
}

impl Still {
    /// A small picture exactly, as PNG; a large one as JPEG at most 256 pixels a side, so that a page stays a page.
    ///
    /// # Errors
    /// When the picture's bytes do not fit its size.
    pub fn new(picture: &Picture) -> Result<Self, Failure> {
        let largest = picture.width.max(picture.height).max(1);
        let is_small = largest <= EXACT / 2;
        let format = if largest <= EXACT { ImageFormat::Png } else { ImageFormat::Jpeg };
        let shrunk = |side: u32| if largest > EXACT { (side * EXACT / largest).max(1) } else { side };
        let sized = picture.resized(shrunk(picture.width), shrunk(picture.height))?;
        let raw = RgbImage::from_raw(sized.width, sized.height, sized.rgb);
        let raw = raw.ok_or_else(|| Error::request("picture", "has another number of bytes than its size says"))?;
        let mut bytes = Cursor::new(Vec::new());
        raw.write_to(&mut bytes, format)?;
        Ok(Self { uri: uri(format.to_mime_type(), &bytes.into_inner()), is_small })
    }

    /// The picture shown without squares: for what has no pixels of its own.
    #[must_use]
    pub fn smooth(self) -> Self {
        Self { is_small: false, ..self }
    }

    /// A pack's preview as it is in the file; none if it is neither PNG nor WebP.
    pub fn from_preview(bytes: &[u8]) -> Option<Self> {
        let format = image::guess_format(bytes).ok()?;
        let known = matches!(format, ImageFormat::Png | ImageFormat::WebP);
        known.then(|| Self { uri: uri(format.to_mime_type(), bytes), is_small: false })
    }

    /// The element; `words` say what is seen.
    pub fn image(&self, words: &str) -> Markup {
        html! { img.small[self.is_small] src=(self.uri) alt=(words) title=(words) loading="lazy"; }
    }
}

fn uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Picture {
        Picture { width, height, rgb: vec![200; (3 * width * height) as usize] }
    }

    #[test]
    fn small_pictures_are_exact_and_large_ones_shrunk() {
        let small = Still::new(&picture(64, 32)).expect("a picture");
        assert!(small.is_small && small.uri.starts_with("data:image/png;base64,iVBORw0KGgo"));
        let large = Still::new(&picture(1024, 512)).expect("a picture");
        let bytes = STANDARD.decode(large.uri.strip_prefix("data:image/jpeg;base64,").expect("a JPEG")).expect("bytes");
        let decoded = image::load_from_memory(&bytes).expect("a picture");
        assert_eq!((decoded.width(), decoded.height(), large.is_small), (256, 128, false));
        assert!(small.image("a \"dog\"").into_string().contains("alt=\"a &quot;dog&quot;\""));
    }

    #[test]
    fn previews_are_of_the_two_kinds_that_packs_hold() {
        assert!(Still::from_preview(b"<svg onload=alert(1)>").is_none());
        assert!(Still::from_preview(b"\x89PNG\r\n\x1a\n").is_some_and(|s| s.uri.starts_with("data:image/png")));
    }
}
