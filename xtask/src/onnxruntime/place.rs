//! Where a fetched library lies: `target/onnxruntime/VERSION/PLATFORM/`.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::failure::{Failure, Result};
use crate::onnxruntime::wheel::{Wheel, WheelFile};

/// The folder of one version and platform.
pub(crate) struct Place<'a> {
    folder: PathBuf,
    files: &'a [WheelFile],
    library: &'a str,
}

/// Why a place cannot be used as it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was fetched yet.
    Missing,
    /// This file is damaged, or something else.
    Foreign(PathBuf),
}

impl<'a> Place<'a> {
    pub(crate) fn new(folder: &Path, wheel: &'a Wheel) -> Self {
        let folder = folder.join(wheel.version).join(wheel.platform);
        Self { folder, files: wheel.files, library: wheel.library() }
    }

    /// The path of the library.
    pub(crate) fn library(&self) -> PathBuf {
        self.folder.join(self.library)
    }

    /// Whether every file is the pinned one. It is hashed each time: less than a second against an afternoon with
    /// a library that was cut short by a full disk.
    pub(crate) fn check(&self) -> std::result::Result<(), Fault> {
        if !self.folder.exists() {
            return Err(Fault::Missing);
        }
        check_files(&self.folder, self.files)
    }

    /// Moves a finished folder here, in one rename.
    pub(crate) fn fill_from(&self, done: &Path) -> Result {
        if let Err(Fault::Foreign(file)) = check_files(done, self.files) {
            return Err(Failure::new(
                format!("{} does not match its pinned hash after unpacking", file.display()),
                "The table in xtask/src/onnxruntime/wheel.rs and the wheel disagree; that table needs mending.",
            ));
        }
        if let Some(parent) = self.folder.parent() {
            fs::create_dir_all(parent).map_err(|e| Failure::file("create", parent, &e))?;
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(|e| Failure::file("remove", &self.folder, &e))?;
        }
        match fs::rename(done, &self.folder) {
            // Another terminal may have been quicker; its result is as good.
            Err(error) if self.check().is_err() => Err(Failure::file("write", &self.folder, &error)),
            _ => Ok(()),
        }
    }
}

fn check_files(folder: &Path, files: &[WheelFile]) -> std::result::Result<(), Fault> {
    for file in files {
        let path = folder.join(file.name);
        if !matches!(sha256(&path), Ok(hash) if hash == file.sha256) {
            return Err(Fault::Foreign(path));
        }
    }
    Ok(())
}

/// SHA-256 of a file, in hex.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|e| Failure::file("read", path, &e))?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    /// SHA-256 of "abc".
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const FILES: &[WheelFile] = &[WheelFile { inside: "onnxruntime/capi/a", name: "a", sha256: ABC }];

    fn place(folder: &Path) -> Place<'static> {
        Place { folder: folder.join("there/now"), files: FILES, library: "a" }
    }

    fn folder_with(scratch: &Scratch, text: &str) -> PathBuf {
        let folder = scratch.path().join("done");
        fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join("a"), text)).unwrap();
        folder
    }

    #[test]
    fn a_whole_folder_moves_in_and_checks() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let place = place(scratch.path());
        assert_eq!(place.check(), Err(Fault::Missing));
        place.fill_from(&folder_with(&scratch, "abc"))?;
        assert_eq!(place.check(), Ok(()));
        Ok(())
    }

    #[test]
    fn a_wrong_file_is_an_error_and_nothing_moves_in() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let place = place(scratch.path());
        let failure = place.fill_from(&folder_with(&scratch, "abd")).unwrap_err().to_string();
        assert!(failure.contains("pinned hash"), "{failure}");
        assert_eq!(place.check(), Err(Fault::Missing));
        Ok(())
    }

    #[test]
    fn a_poisoned_place_is_noticed_and_filled_again() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let place = place(scratch.path());
        place.fill_from(&folder_with(&scratch, "abc"))?;
        fs::write(place.library(), "abx").unwrap();
        assert_eq!(place.check(), Err(Fault::Foreign(place.library())));
        place.fill_from(&folder_with(&scratch, "abc"))?;
        assert_eq!(place.check(), Ok(()));
        Ok(())
    }
}
