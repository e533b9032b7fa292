//! Files for parsers that read from a disk.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

thread_local! {
    /// A folder of this thread, which ends with it: a static's would stay, for nothing drops those.
    static FOLDER: TempDir = folder();
}

/// In memory where the system has such a place, for a fuzzer writes a file each time.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.expect("a folder can be made")
}

/// A place of the calling thread alone.
pub(crate) fn place(name: &str) -> PathBuf {
    FOLDER.with(|folder| folder.path().join(name))
}

/// A file with these bytes.
pub(crate) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = place(name);
    std::fs::write(&path, bytes).expect("can be written");
    path
}
