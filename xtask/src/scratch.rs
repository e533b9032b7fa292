//! A folder for half-done work, gone when it goes out of scope.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::failure::{Failure, Result};

/// Owns `parent/.scratch-…`. It lies beside the result, so that a rename does not cross file systems.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty one; `parent` is made too.
    pub(crate) fn new(parent: &Path) -> Result<Self> {
        // The process id keeps two terminals apart, the counter two tests of one process.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(".scratch-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = parent.join(name);
        fs::create_dir_all(&path).map_err(|e| Failure::file("create", &path, &e))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing more can be done here, and a left-over folder harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leaves_nothing_behind() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let path = scratch.path().to_owned();
        assert!(path.is_dir());
        drop(scratch);
        assert!(!path.exists());
        Ok(())
    }
}
