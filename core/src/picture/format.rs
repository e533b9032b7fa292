//! How a picture is written, by the ending of its file's name.

use std::path::Path;

use crate::error::{Error, Result};

/// Endings of picture formats that are not written: a file of such a name would not be what it says.
const FOREIGN: [&str; 20] = [
    "avif", "bmp", "dng", "exr", "gif", "heic", "heif", "ico", "jp2", "jxl", "pdf", "pgm", "ppm", "psd", "qoi", "raw",
    "svg", "tga", "tif", "tiff",
];

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PictureFormat {
    /// Every pixel as it is; the recipe in two text chunks.
    #[default]
    Png,
    /// Smaller, not exact: quality 95; the recipe in EXIF.
    Jpeg,
    /// Every pixel as it is; the recipe in EXIF.
    WebP,
}

impl PictureFormat {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::WebP];

    /// The format that a file's name asks for; none where its ending stands for no picture.
    ///
    /// # Errors
    /// [`Error::Picture`] for the ending of a format that is not written, such as `.gif`.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        match ending.as_str() {
            "png" => Ok(Some(Self::Png)),
            "jpg" | "jpeg" => Ok(Some(Self::Jpeg)),
            "webp" => Ok(Some(Self::WebP)),
            other if FOREIGN.contains(&other) => {
                Err(Error::picture(path, format!("`.{other}` is not written; .png, .jpg, .jpeg and .webp are")))
            }
            _ => Ok(None),
        }
    }

    /// The usual ending, without a dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_how_a_picture_is_written() {
        let of = |name: &str| PictureFormat::of(name.as_ref()).expect("no foreign ending");
        assert_eq!(of("a/dog.png"), Some(PictureFormat::Png));
        assert_eq!([of("dog.JPG"), of("dog.jpeg")], [Some(PictureFormat::Jpeg); 2]);
        assert_eq!(of("dog.WebP"), Some(PictureFormat::WebP));
        assert_eq!([of("dogs"), of("run-1.5"), of("-"), of("")], [None; 4]);
        for name in ["dog.gif", "dog.TIFF", "a/dog.heic", "dog.bmp"] {
            let error = PictureFormat::of(name.as_ref()).expect_err(name).to_string();
            assert!(error.contains(name) && error.contains(".webp"), "{error}");
        }
        for format in PictureFormat::ALL {
            assert_eq!(PictureFormat::of(format!("x.{}", format.ending()).as_ref()).ok().flatten(), Some(format));
        }
    }
}
