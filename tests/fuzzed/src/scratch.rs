//! Files for parsers that read from a disk.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;

/// A folder of this process: in memory where the system has such a place, for a fuzzer writes a file each time.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.expect("a folder can be made")
});

/// A place of the calling thread alone.
pub(crate) fn place(name: &str) -> PathBuf {
    FOLDER.path().join(format!("{:?}-{name}", std::thread::current().id()))
}

/// A file with these bytes.
pub(crate) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = place(name);
    std::fs::write(&path, bytes).expect("can be written");
    path
}
