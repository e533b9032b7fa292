//! Names and copies of files: what may be a name, what is there with which hash, and making renames last.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cancel::CancelToken;
use crate::disk::hash::{Hasher, Sha256};
use crate::disk::space;
use crate::error::{Error, Result};

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

/// Whether the file is there with this length and SHA-256.
///
/// # Errors
/// [`Error::Io`] when it is there but cannot be read, [`Error::Cancelled`].
pub(crate) fn has(path: &Path, bytes: u64, sha256: Sha256, cancel: &CancelToken) -> Result<bool> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() == bytes => {}
        _ => return Ok(false),
    }
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let mut hasher = Hasher::new();
    let length = hasher.feed(&mut file, path, cancel, |_| Ok(()))?;
    Ok(length == bytes && hasher.finish() == sha256)
}

/// Copies a file, flushed to the disk; gives the copy's SHA-256.
///
/// # Errors
/// [`Error::Io`], [`Error::OutOfSpace`], [`Error::Cancelled`].
pub(crate) fn copy(from: &Path, to: &Path, cancel: &CancelToken) -> Result<Sha256> {
    let mut source = File::open(from).map_err(Error::io("open", from))?;
    let mut target = File::create(to).map_err(Error::io("create", to))?;
    let mut hasher = Hasher::new();
    hasher.feed(&mut source, from, cancel, |piece| {
        target.write_all(piece).map_err(space::io("write", to, piece.len() as u64))
    })?;
    target.sync_all().map_err(space::io("write", to, 0))?;
    Ok(hasher.finish())
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
