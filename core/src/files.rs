//! Files that are whole or not there: hashing that can be cancelled, small files replaced at once, names made to last.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::fingerprint::hex;
use crate::{CancelToken, Error, Result, space};

/// Bytes hashed between two looks at the cancel token.
const PIECE: usize = 1 << 18;

/// Names that Windows gives to devices, whatever ending follows.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Whether Windows would take the name for a device, or store it under another name than this one: `con`, `nul.json`,
/// `com1`, a dot or space at the end. Such a file cannot travel, so no system makes one.
pub(crate) fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = ["com", "lpt"].iter().any(|port| {
        stem.strip_prefix(port)
            .is_some_and(|n| n.chars().count() == 1 && n.chars().all(|c| c.is_ascii_digit() || "¹²³".contains(c)))
    });
    numbered || DEVICES.contains(&stem.as_str()) || name.ends_with(['.', ' '])
}

/// Feeds what is left of `file` to `digest`, and to `also`; gives its length.
///
/// # Errors
/// [`Error::Io`] blamed on `path`, [`Error::Cancelled`], and whatever `also` says.
pub(crate) fn feed(
    digest: &mut Sha256,
    file: &mut File,
    path: &Path,
    cancel: &CancelToken,
    mut also: impl FnMut(&[u8]) -> Result<()>,
) -> Result<u64> {
    let mut buffer = vec![0; PIECE];
    let mut length = 0;
    loop {
        cancel.check()?;
        let count = file.read(&mut buffer).map_err(Error::io("read", path))?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { return Ok(length) };
        digest.update(piece);
        also(piece)?;
        length += piece.len() as u64;
    }
}

/// Whether the file is there with this length and SHA-256 (lower-case hex).
///
/// # Errors
/// [`Error::Io`] when it is there but cannot be read, [`Error::Cancelled`].
pub(crate) fn is(path: &Path, bytes: u64, sha256: &str, cancel: &CancelToken) -> Result<bool> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() == bytes => {}
        _ => return Ok(false),
    }
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let mut digest = Sha256::new();
    let length = feed(&mut digest, &mut file, path, cancel, |_| Ok(()))?;
    Ok(length == bytes && hex(&digest.finalize()) == sha256)
}

/// Copies a file, flushed to the disk; gives the copy's SHA-256.
///
/// # Errors
/// [`Error::Io`], [`Error::OutOfSpace`], [`Error::Cancelled`].
pub(crate) fn copy(from: &Path, to: &Path, cancel: &CancelToken) -> Result<String> {
    let mut source = File::open(from).map_err(Error::io("open", from))?;
    let mut target = File::create(to).map_err(Error::io("create", to))?;
    let mut digest = Sha256::new();
    feed(&mut digest, &mut source, from, cancel, |piece| {
        target.write_all(piece).map_err(space::io("write", to, piece.len() as u64))
    })?;
    target.sync_all().map_err(space::io("write", to, 0))?;
    Ok(hex(&digest.finalize()))
}

/// Writes a small file at once, under a name beside it first. Two must not do this to one file at the same time. It is
/// not flushed: a loss of power may take it back, or leave it empty.
///
/// # Errors
/// [`Error::Io`], [`Error::OutOfSpace`].
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let new = beside(path, "", ".new");
    std::fs::write(&new, content).map_err(space::io("write", &new, content.len() as u64))?;
    std::fs::rename(&new, path).map_err(Error::io("rename", &new))
}

/// The file's name with something before and behind it.
pub(crate) fn beside(path: &Path, before: &str, behind: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(before);
    name.push(path.file_name().unwrap_or_default());
    name.push(behind);
    path.with_file_name(name)
}

/// The folder a file is in; the current one for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes what was renamed in a folder last through a loss of power. Where folders cannot be flushed, as on Windows, the
/// file system sees to it.
pub(crate) fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(opened) = File::open(folder) {
        let _ = opened.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_keeps_for_itself_is_reserved() {
        for name in [
            "con",
            "NUL",
            "nul.json",
            "aux.tar.gz",
            "com1",
            "LPT9.cones",
            "com\u{b9}",
            "con .txt",
            "rex.",
            "rex ",
            "conin$",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["rex", "cones", "console", "com", "com10", "lpt", "nul-dog", "unet.onnx", "a.con", "", "prn_1"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
