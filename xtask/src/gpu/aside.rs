//! Large folders of the repository that no call needs, moved aside for the time of a lease and put back.
//!
//! A move is one rename, and where a folder lies says whether it was moved: so a command that was killed at any point leaves
//! each of them in one of two places, and [`Aside::back`] finds them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// What is moved, where it is there: the bundle travels once, packed, with the programs that use it, and of the rest no call
/// reads anything (the measure stays: `cones find` judges by it). Nothing that cargo needs to build this program is among it,
/// for it is this program that puts all back.
const PATHS: [&str; 4] = ["models/toybox/bundle", "models/toybox/few-steps", "tests/fixtures", "tests/golden"];

/// The places of the folders in one repository.
pub(crate) struct Aside<'a> {
    root: &'a Path,
    paths: &'a [&'a str],
}

impl<'a> Aside<'a> {
    pub(crate) fn of(root: &'a Path) -> Self {
        Self { root, paths: &PATHS }
    }

    /// Moves everything aside; where one cannot be moved, all are put back.
    pub(crate) fn out(&self) -> Result {
        for path in self.paths {
            let (here, there) = self.places(path);
            if !here.exists() {
                continue;
            }
            if let Err(failure) = self.apart(&here, &there).and_then(|()| rename(&here, &there)) {
                self.back()?;
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Puts everything back that can be, and says what was put back.
    pub(crate) fn back(&self) -> Result<Vec<&'a str>> {
        let (mut found, mut failed) = (Vec::new(), None);
        for path in self.moved() {
            let (here, there) = self.places(path);
            match self.apart(&there, &here).and_then(|()| rename(&there, &here)) {
                Ok(()) => found.push(path),
                Err(failure) => failed = Some(failure),
            }
        }
        failed.map_or(Ok(found), Err)
    }

    /// What is aside just now.
    pub(crate) fn moved(&self) -> Vec<&'a str> {
        self.paths.iter().filter(|path| self.places(path).1.exists()).copied().collect()
    }

    /// Whether a file of the repository lies in a folder that is moved.
    pub(crate) fn holds(&self, file: &Path) -> bool {
        self.paths.iter().any(|path| file.starts_with(path))
    }

    fn places(&self, path: &str) -> (PathBuf, PathBuf) {
        (self.root.join(path), self.root.join(super::folders::FOLDER).join("aside").join(path))
    }

    /// A folder in both places is somebody's work: neither is touched.
    fn apart(&self, from: &Path, to: &Path) -> Result {
        if from.exists() && to.exists() {
            return Err(Failure::new(
                format!("{} and {} are both there", from.display(), to.display()),
                "Remove the one that is not wanted; `git status` says whether the repository's own is whole.",
            ));
        }
        Ok(())
    }
}

fn rename(from: &Path, to: &Path) -> Result {
    let parent = to.parent().unwrap_or(to);
    fs::create_dir_all(parent).and_then(|()| fs::rename(from, to)).map_err(|error| Failure::file("move", from, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const TWO: [&str; 2] = ["models/a/b", "c/d"];

    fn repository(folders: &[&str]) -> Result<Scratch> {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        for folder in folders {
            fs::create_dir_all(scratch.path().join(folder)).unwrap();
            fs::write(scratch.path().join(folder).join("file"), *folder).unwrap();
        }
        Ok(scratch)
    }

    fn whole(root: &Path) -> bool {
        TWO.iter().all(|path| fs::read_to_string(root.join(path).join("file")).is_ok_and(|text| text == *path))
    }

    #[test]
    fn folders_go_aside_and_come_back() -> Result {
        let scratch = repository(&TWO)?;
        let aside = Aside { root: scratch.path(), paths: &TWO };
        aside.out()?;
        assert!(TWO.iter().all(|path| !scratch.path().join(path).exists()));
        assert_eq!(aside.moved(), TWO);
        // Twice is as once.
        aside.out()?;
        assert_eq!(aside.back()?, TWO);
        assert!(whole(scratch.path()) && aside.moved().is_empty());
        assert!(aside.back()?.is_empty());
        Ok(())
    }

    #[test]
    fn a_folder_that_cannot_be_moved_brings_the_others_back() -> Result {
        let scratch = repository(&TWO)?;
        let aside = Aside { root: scratch.path(), paths: &TWO };
        let blocked = scratch.path().join(crate::gpu::folders::FOLDER).join("aside");
        fs::create_dir_all(&blocked).unwrap();
        fs::write(blocked.join("c"), "a file where a folder should be").unwrap();
        assert!(aside.out().unwrap_err().to_string().contains("cannot move"));
        assert!(whole(scratch.path()) && aside.moved().is_empty());
        Ok(())
    }

    #[test]
    fn a_folder_that_is_not_there_is_passed_over() -> Result {
        let scratch = repository(&TWO[1..])?;
        let aside = Aside { root: scratch.path(), paths: &TWO };
        aside.out()?;
        assert_eq!(aside.moved(), TWO[1..]);
        assert_eq!(aside.back()?, TWO[1..]);
        Ok(())
    }

    #[test]
    fn a_command_killed_between_two_moves_is_mended() -> Result {
        let scratch = repository(&TWO)?;
        Aside { root: scratch.path(), paths: &TWO[..1] }.out()?;
        let aside = Aside { root: scratch.path(), paths: &TWO };
        assert_eq!(aside.moved(), TWO[..1]);
        aside.back()?;
        assert!(whole(scratch.path()));
        Ok(())
    }

    #[test]
    fn a_folder_in_both_places_is_left_alone() -> Result {
        let scratch = repository(&TWO)?;
        let aside = Aside { root: scratch.path(), paths: &TWO };
        aside.out()?;
        let restored = scratch.path().join(TWO[0]);
        fs::create_dir_all(&restored).unwrap();
        fs::write(restored.join("mine"), "").unwrap();
        assert!(aside.back().unwrap_err().to_string().contains("both there"));
        assert!(restored.join("mine").is_file() && aside.moved() == TWO[..1]);
        Ok(())
    }
}
