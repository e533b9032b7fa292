//! The one seam to memory-mapped files.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{Error, Result};

/// A file's bytes, mapped and read as they are used.
#[derive(Debug)]
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a whole file read-only.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened or mapped.
    #[allow(unsafe_code)]
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        // SAFETY: the mapping is only sound while nobody shortens or rewrites the file. Bundles are installed under a
        // temporary name and renamed, and never written to afterwards; that another program does so cannot be excluded,
        // and then the values read are wrong or the process gets a bus error, as for every user of mapped files.
        unsafe { Mmap::map(&file) }.map(Self).map_err(Error::io("map", path))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
