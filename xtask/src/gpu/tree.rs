//! What of the repository travels: files that git tracks or would, and what a call carries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::gpu::aside::Aside;
use crate::process;

/// One repository, as a lent machine would get it while the large folders are aside.
pub(crate) struct Tree<'a> {
    root: &'a Path,
}

impl<'a> Tree<'a> {
    pub(crate) fn of(root: &'a Path) -> Self {
        Self { root }
    }

    /// Paths in the repository of the files that travel with every call.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut git = Command::new("git");
        git.current_dir(self.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let output = process::capture(&mut git)?;
        if !output.status.success() {
            let words = process::last_words(&output);
            return Err(Failure::new(format!("git does not list the repository's files:\n        {words}"), ""));
        }
        let aside = Aside::of(self.root);
        let listed = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        let mut files: Vec<PathBuf> =
            listed.map(|name| PathBuf::from(String::from_utf8_lossy(name).as_ref())).collect();
        // It travels though git ignores it.
        files.extend(under(self.root, Path::new("shared"))?);
        files.retain(|file| !aside.holds(file) && self.root.join(file).symlink_metadata().is_ok_and(|m| !m.is_dir()));
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Paths in the repository of the files that a call carries; a path that is not there is an error.
    pub(crate) fn carried(&self, carry: &[String]) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for path in carry {
            let found = under(self.root, Path::new(path))?;
            if found.is_empty() {
                return Err(Failure::new(
                    format!("{path} is empty, and a call carries it"),
                    "Run `cargo xtask gpu` again.",
                ));
            }
            files.extend(found);
        }
        Ok(files)
    }

    /// Bytes of a whole call.
    pub(crate) fn bytes(&self, carry: &[String]) -> Result<u64> {
        let files = self.files()?.into_iter().chain(self.carried(carry)?);
        Ok(files.map(|file| size(&self.root.join(file))).sum())
    }
}

/// A file's bytes; 0 where there is none.
pub(crate) fn size(path: &Path) -> u64 {
    path.symlink_metadata().map_or(0, |found| found.len())
}

/// Every file under a folder of `root`, or the file itself, as paths in `root`; nothing if there is none.
pub(crate) fn under(root: &Path, path: &Path) -> Result<Vec<PathBuf>> {
    let whole = root.join(path);
    let Ok(found) = whole.symlink_metadata() else { return Ok(Vec::new()) };
    if !found.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(&whole).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut files = Vec::new();
    for entry in entries.map_err(|e| Failure::file("read", &whole, &e))? {
        files.extend(under(root, &path.join(entry.file_name()))?);
    }
    files.sort();
    Ok(files)
}

/// Copies files of one folder into another.
pub(crate) fn copy(from: &Path, files: &[PathBuf], to: &Path) -> Result {
    for file in files {
        let (source, target) = (from.join(file), to.join(file));
        let parent = target.parent().unwrap_or(to);
        fs::create_dir_all(parent)
            .and_then(|()| fs::copy(&source, &target))
            .map_err(|error| Failure::file("copy", &source, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn write(root: &Path, name: &str, bytes: usize) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![b'x'; bytes]).unwrap();
    }

    #[test]
    fn what_travels_is_tracked_or_new_and_not_aside() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let root = scratch.path();
        for (name, bytes) in
            [("a", 1), ("new", 2), ("models/toybox/bundle/unet", 4), ("ignored/x", 8), ("shared/s", 16), ("gone", 32)]
        {
            write(root, name, bytes);
        }
        fs::write(root.join(".gitignore"), "ignored\nshared\n").unwrap();
        let git =
            |arguments: &[&str]| process::capture(Command::new("git").current_dir(root).args(arguments)).map(drop);
        git(&["init", "-q"])?;
        git(&["add", "a", "models", "gone"])?;
        fs::remove_file(root.join("gone")).unwrap();
        let tree = Tree::of(root);
        let names: Vec<String> = tree.files()?.iter().map(|file| file.to_string_lossy().into_owned()).collect();
        assert_eq!(names, [".gitignore", "a", "new", "shared/s"]);
        assert_eq!(tree.bytes(&[])?, 15 + 1 + 2 + 16);
        assert_eq!(tree.bytes(&["ignored".into()])?, 15 + 1 + 2 + 16 + 8);
        assert!(tree.bytes(&["absent".into()]).is_err());
        Ok(())
    }
}
