//! The subject's pictures, as the model takes them.

use std::path::{Path, PathBuf};

use cones_core::Picture;
use cones_core::picture::format::PictureFormat;

use crate::error::{Error, Result};

/// More pictures than a subject has; a folder with more is probably the wrong one.
const MOST: usize = 100;

/// The pictures of a folder (PNG, JPEG, WebP) in the order of their names.
///
/// # Errors
/// When the folder cannot be read, holds no picture or more than 100.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let found: Vec<PathBuf> =
        files(folder)?.into_iter().filter(|path| matches!(PictureFormat::of(path), Ok(Some(_)))).collect();
    match found.len() {
        0 if !left_out(folder)?.is_empty() => {
            let names = left_out(folder)?.join(", ");
            Err(Error::file(
                folder,
                format!("holds no picture that is read, only {names}; convert to PNG, JPEG or WebP"),
            ))
        }
        0 => Err(Error::NoPictures { folder: folder.to_path_buf() }),
        1..=MOST => Ok(found),
        count => Err(Error::file(folder, format!("holds {count} pictures; a subject needs 1 to 10, {MOST} at most"))),
    }
}

/// The pictures of a folder to be learned from, and the last `hold_back` of them, which are not; one at least is learned
/// from.
///
/// # Errors
/// As [`list`].
pub fn split(folder: &Path, hold_back: usize) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let mut learned = list(folder)?;
    let held_back = learned.split_off(learned.len().saturating_sub(hold_back).max(1));
    Ok((learned, held_back))
}

/// The names of files that are pictures by their endings, but of formats that are not read, as HEIC, GIF and TIFF.
///
/// # Errors
/// When the folder cannot be read.
pub fn left_out(folder: &Path) -> Result<Vec<String>> {
    let foreign = files(folder)?.into_iter().filter(|path| PictureFormat::of(path).is_err());
    Ok(foreign.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
}

/// What is in a folder and not hidden, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cones_core::Error::io("read the folder", folder))? {
        let path = entry.map_err(cones_core::Error::io("read the folder", folder))?.path();
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if !hidden && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a picture upright (by its EXIF orientation), over white where it is transparent, cut to the aspect of
/// `width × height` around its middle, and resized to that.
///
/// # Errors
/// As [`Picture::open`].
pub fn open_as(path: &Path, width: u32, height: u32) -> Result<Picture, cones_core::Error> {
    Picture::open(path)?.fitted(width, height)
}

/// The picture mirrored left to right.
pub fn mirrored(picture: &Picture) -> Picture {
    let mut rgb = Vec::with_capacity(picture.rgb.len());
    for row in picture.rgb.chunks_exact(3 * picture.width.max(1) as usize) {
        rgb.extend(row.chunks_exact(3).rev().flatten());
    }
    Picture { rgb, ..picture.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_held_back_and_one_is_learned_from() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.png", "a.jpg", "c.webp", ".hidden.png", "note.txt"] {
            std::fs::write(folder.path().join(name), b"").expect("a file");
        }
        let names = |hold_back| {
            let (learned, held_back) = split(folder.path(), hold_back).expect("pictures");
            let of = |files: Vec<PathBuf>| {
                files.iter().filter_map(|f| f.file_name()?.to_str()).collect::<Vec<_>>().join(" ")
            };
            (of(learned), of(held_back))
        };
        assert_eq!(names(0), ("a.jpg b.png c.webp".into(), String::new()));
        assert_eq!(names(1), ("a.jpg b.png".into(), "c.webp".into()));
        assert_eq!(names(9), ("a.jpg".into(), "b.png c.webp".into()));
    }

    #[test]
    fn pictures_of_other_formats_are_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str| std::fs::write(folder.path().join(name), b"x").expect("written");
        ["b.HEIC", "a.gif", ".c.gif", "notes.txt", "subject.json"].iter().for_each(|name| write(name));
        let error = list(folder.path()).expect_err("none is read").to_string();
        assert!(error.contains("only a.gif, b.HEIC"), "{error}");
        ["2.png", "1.JPG"].iter().for_each(|name| write(name));
        std::fs::create_dir(folder.path().join("old.png")).expect("a folder");
        let names: Vec<_> =
            list(folder.path()).expect("two").iter().map(|p| p.file_name().map(|n| n.to_owned())).collect();
        assert_eq!(names, [Some("1.JPG".into()), Some("2.png".into())]);
        assert_eq!(left_out(folder.path()).expect("two"), ["a.gif", "b.HEIC"]);
    }

    #[test]
    fn mirrors_swap_left_and_right() {
        let picture = Picture { width: 2, height: 1, rgb: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(mirrored(&picture).rgb, [4, 5, 6, 1, 2, 3]);
        assert_eq!(mirrored(&mirrored(&picture)), picture);
    }
}
