//! The one seam to memory-mapped files.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::{Error, Result};

/// Maps a whole file read-only.
///
/// # Errors
/// [`Error::Io`] when it cannot be opened or mapped.
#[allow(unsafe_code)]
pub fn map(path: &Path) -> Result<Mmap> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    // SAFETY: the mapping is only sound while nobody shortens or rewrites the file. Bundles are installed under a
    // temporary name and renamed, and never written to afterwards; that another program does so cannot be excluded,
    // and then the values read are wrong or the process gets a bus error, as for every user of mapped files.
    unsafe { Mmap::map(&file) }.map_err(Error::io("map", path))
}
