//! Where pictures go: a file, a folder, or standard output.

use std::path::{Path, PathBuf};

use cones_core::picture::format::PictureFormat;

use crate::failure::Failure;

/// What stands for standard output.
const OUTPUT: &str = "-";

/// Where pictures go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Standard output, as PNG: one picture.
    Output,
    /// A file; several are numbered beside it.
    File(PathBuf),
    /// A folder for PNG files.
    Folder(PathBuf),
}

impl Place {
    /// What was typed. A picture's ending means a file, unless there is a folder of that name; all else means a folder.
    ///
    /// # Errors
    /// In words, for the ending of a format that is not written.
    pub(super) fn parse(typed: &str) -> Result<Self, String> {
        let path = PathBuf::from(typed);
        if typed == OUTPUT {
            return Ok(Self::Output);
        }
        if typed.is_empty() {
            return Err("it is empty; name a file or a folder, or - for standard output".into());
        }
        if path.is_dir() {
            return Ok(Self::Folder(path));
        }
        match PictureFormat::of(&path) {
            Ok(Some(_)) => Ok(Self::File(path)),
            Ok(None) => Ok(Self::Folder(path)),
            Err(error) => {
                Err(format!("{}, - stands for standard output, and a folder has no such ending", reason(&error)))
            }
        }
    }

    /// Whether it is standard output.
    pub(super) fn is_output(&self) -> bool {
        *self == Self::Output
    }

    /// A path for each picture: the file itself for one, numbered beside it or by seed in a folder for several. `seeds` are those of each
    /// prompt's pictures. The folder is made.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(super) fn paths(&self, seeds: &[Vec<u64>]) -> Result<Vec<PathBuf>, Failure> {
        let folder = match self {
            Self::Output => return Ok(seeds.iter().flatten().map(|_| PathBuf::from(OUTPUT)).collect()),
            Self::File(file) => file.parent().unwrap_or(Path::new("")),
            Self::Folder(folder) => folder,
        };
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(folder).map_err(cones_core::Error::io("create", folder))?;
        }
        let pictures = seeds.iter().enumerate().flat_map(|(line, seeds)| seeds.iter().map(move |seed| (line, seed)));
        let count = seeds.iter().map(Vec::len).sum::<usize>();
        let named = |(i, (line, seed)): (usize, (usize, &u64))| match self {
            Self::File(file) if count > 1 => numbered(file, i),
            Self::File(file) => file.clone(),
            _ if seeds.len() > 1 => folder.join(format!("{:03}-{seed}.png", line + 1)),
            _ => folder.join(format!("{seed}.png")),
        };
        Ok(pictures.enumerate().map(named).collect())
    }
}

fn numbered(file: &Path, i: usize) -> PathBuf {
    let part = |part: Option<&std::ffi::OsStr>| part.map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
    file.with_file_name(format!("{}-{i}.{}", part(file.file_stem()), part(file.extension())))
}

/// A picture's file, as an option's value.
pub(super) fn picture_file(typed: &str) -> Result<PathBuf, String> {
    match PictureFormat::of(Path::new(typed)) {
        Ok(Some(_)) => Ok(typed.into()),
        Ok(None) => Err("must end in .png, .jpg, .jpeg or .webp".into()),
        Err(error) => Err(reason(&error)),
    }
}

fn reason(error: &cones_core::Error) -> String {
    match error {
        cones_core::Error::Picture { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_of_pictures_mean_files_and_all_else_folders() {
        let parsed = |typed: &str| Place::parse(typed).expect(typed);
        assert_eq!(parsed("-"), Place::Output);
        for file in ["dog.png", "a/dog.JPG", "dog.webp"] {
            assert_eq!(parsed(file), Place::File(file.into()));
        }
        for folder in ["dogs", "run-1.5", "./-", "a/"] {
            assert_eq!(parsed(folder), Place::Folder(folder.into()));
        }
        for bad in ["", "dog.gif", "dog.tiff"] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let named = folder.path().join("album.png");
        std::fs::create_dir(&named).expect("a folder");
        let named = named.to_str().expect("plain");
        assert_eq!(parsed(named), Place::Folder(named.into()));
        assert!(picture_file("x.webp").is_ok() && picture_file("x").is_err() && picture_file("x.gif").is_err());
    }

    #[test]
    fn each_picture_has_a_name_of_its_own() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        let names = |place: Place, seeds: &[Vec<u64>]| -> Vec<String> {
            let paths = place.paths(seeds).expect("paths");
            paths.iter().map(|p| p.file_name().expect("a name").to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(Place::File(at("d.jpg")), &[vec![7]]), ["d.jpg"]);
        assert_eq!(
            names(Place::File(at("d.jpg")), &[vec![7, 8], vec![7, 8]]),
            ["d-0.jpg", "d-1.jpg", "d-2.jpg", "d-3.jpg"]
        );
        assert_eq!(names(Place::Folder(at("new")), &[vec![7, 8]]), ["7.png", "8.png"]);
        assert_eq!(names(Place::Folder(at("new")), &[vec![7], vec![7]]), ["001-7.png", "002-7.png"]);
        assert!(at("new").is_dir());
    }
}
