//! Room on the device.

use std::io;
use std::path::Path;

use crate::error::{Error, Result};

/// Left free beside what is written: a phone whose storage is filled to the last byte behaves badly.
const RESERVE: u64 = 1 << 20;

/// Bytes that this process may still write in the file system that holds `path`, a file or folder that is there.
/// `None` where the system does not say.
#[cfg(unix)]
pub(crate) fn available(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    // Some file systems that are not disks give zeros throughout.
    let says = stat.f_frsize > 0 && stat.f_blocks > 0;
    says.then(|| stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Bytes that this process may still write. This system is not asked; a full disk shows when it is written to.
#[cfg(not(unix))]
pub(crate) fn available(_: &Path) -> Option<u64> {
    None
}

/// Refuses to begin writing `needed` bytes to the folder `path` where they do not fit.
///
/// # Errors
/// [`Error::OutOfSpace`].
pub(crate) fn check(path: &Path, needed: u64) -> Result<()> {
    match available(path) {
        Some(available) if available < needed.saturating_add(RESERVE) => {
            Err(Error::OutOfSpace { path: path.to_path_buf(), needed, available })
        }
        _ => Ok(()),
    }
}

/// Wraps an error of writing `needed` bytes to `file`: a disk that filled up meanwhile is [`Error::OutOfSpace`]. For use
/// in `map_err`.
pub(crate) fn io(action: &'static str, file: &Path, needed: u64) -> impl FnOnce(io::Error) -> Error {
    let file = file.to_path_buf();
    move |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            let path = file.parent().unwrap_or(&file).to_path_buf();
            let available = available(&path).unwrap_or(0);
            Error::OutOfSpace { path, needed, available }
        }
        _ => Error::io(action, &file)(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn this_disk_has_room_for_little_and_none_for_everything() {
        let folder = std::env::temp_dir();
        assert!(available(&folder).is_some_and(|free| free > 0));
        assert!(check(&folder, 1).is_ok());
        assert!(matches!(check(&folder, u64::MAX), Err(Error::OutOfSpace { needed: u64::MAX, .. })));
    }

    #[test]
    fn a_missing_folder_is_no_full_disk() {
        assert!(check(Path::new("/there/is/no/such/folder"), 1).is_ok());
    }

    #[test]
    fn tells_a_full_disk_from_other_failures() {
        let file = std::env::temp_dir().join("x");
        let wrapped = |kind: io::ErrorKind| io("write", &file, 7)(kind.into());
        assert!(matches!(wrapped(io::ErrorKind::StorageFull), Error::OutOfSpace { needed: 7, .. }));
        assert!(matches!(wrapped(io::ErrorKind::PermissionDenied), Error::Io { action: "write", .. }));
    }
}
