//! Looking at a pack before it is installed.

use std::path::Path;

use crate::error::{Error, Result};
use crate::library::catalog::MAX_PACK_BYTES;
use crate::subjects::pack::Header;

use super::folder;
use super::index::Record;
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
    let record = Record::new(&header, &bytes);
    Ok(Installed { header, sha256: record.sha256, bytes: record.bytes, path: file.to_path_buf() })
}
