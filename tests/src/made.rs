//! What several tests of a program look at and is slow to make: made by the first that needs it, also where each test is a process of
//! its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The folder or file that `make` makes at the path it is given: once for each build of the test program, below its
/// `CARGO_TARGET_TMPDIR`. Tests may only look at it.
pub fn once(below: &str, name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let program = std::env::current_exe().expect("a test program");
    let stem = program.file_stem().expect("a name").to_string_lossy().into_owned();
    let built = fs::metadata(&program).and_then(|program| program.modified()).expect("the time of a build");
    let build = format!("{stem}-{:x}", built.duration_since(UNIX_EPOCH).expect("a time").as_nanos());
    let all = Path::new(below).join("made");
    let folder = all.join(&build);
    fs::create_dir_all(&folder).expect("a folder");
    // Held until it is there; freed when this process ends, whatever becomes of it.
    let turn = File::create(folder.join(format!("{name}.lock"))).expect("a file");
    turn.lock().expect("a lock");
    let made = folder.join(name);
    if !made.exists() {
        remove_older(&all, &stem, &build);
        let making = tempfile::tempdir_in(&folder).expect("a temporary folder");
        make(&making.path().join(name));
        fs::rename(making.path().join(name), &made).expect("what was to be made");
    }
    made
}

/// What earlier builds of the program left.
fn remove_older(all: &Path, stem: &str, build: &str) {
    for entry in fs::read_dir(all).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != build && name.rsplit_once('-').is_some_and(|(program, _)| program == stem) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn it_is_made_once_and_what_older_builds_made_goes() {
        let below = tempfile::tempdir().expect("a folder");
        let root = below.path().to_str().expect("a plain path");
        let program = std::env::current_exe().expect("a program");
        let older =
            below.path().join("made").join(format!("{}-1f", program.file_stem().expect("a name").to_string_lossy()));
        let other = below.path().join("made/others-1f");
        [&older, &other].iter().for_each(|folder| fs::create_dir_all(folder).expect("a folder"));
        let made = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let found = once(root, "thing", |path| {
                        made.fetch_add(1, Ordering::Relaxed);
                        fs::write(path, "made").expect("a file");
                    });
                    assert_eq!(fs::read_to_string(found).expect("it is there"), "made");
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
        assert!(!older.exists() && other.exists());
    }
}
