//! Looking at a pack before it is installed.

use std::path::Path;

use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::library::catalog::MAX_PACK_BYTES;
use crate::subjects::pack::Header;

use super::folder;
use super::installed::Installed;

/// What a pack's file says of itself, installed or not. Its header and checksums are checked; its neurons are not
/// decoded, for which a base model is needed.
///
/// # Errors
/// [`Error::BadPack`], [`Error::Io`].
pub fn inspect(file: &Path) -> Result<Installed> {
    let name = file.display().to_string();
    let bytes = folder::read(file, MAX_PACK_BYTES)?;
    if bytes.len() as u64 > MAX_PACK_BYTES {
        return Err(Error::pack(name, None, format!("it is longer than any pack may be, {MAX_PACK_BYTES} bytes")));
    }
    let header = Header::read(&name, &bytes)?;
    Ok(Installed {
        header,
        sha256: Sha256::digest(&bytes),
        bytes: bytes.len() as u64,
        publisher: None,
        withdrawn: None,
        path: file.to_path_buf(),
    })
}
