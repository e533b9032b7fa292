//! The note by which `cargo xtask` says which library it found or fetched.
//!
//! Who can write it decides what is loaded into this program. So it is looked for in `target` folders alone, and must belong to
//! whoever owns the program.

use std::path::{Path, PathBuf};

/// Where it stands below a `target` folder. It holds a path and nothing else.
const NOTE: &str = "onnxruntime/path";
/// What cargo calls the folder that it builds in: `target/release/cones` and `target/release/deps/test-…` lie below it.
const TARGET: &str = "target";

/// The library that the note above a program names, if there is one.
pub(super) fn above(executable: &Path) -> Option<PathBuf> {
    executable.ancestors().filter(|folder| folder.file_name().is_some_and(|name| name == TARGET)).find_map(read)
}

/// The library that the note in a `target` folder names. None where there is no note or it is somebody else's, and where what it
/// names is not there.
pub(super) fn read(target: &Path) -> Option<PathBuf> {
    let note = target.join(NOTE);
    if !is_ours(&note) {
        return None;
    }
    let text = std::fs::read_to_string(&note).ok()?;
    // A relative one would depend on where the program runs.
    Some(PathBuf::from(text.trim())).filter(|library| library.is_absolute() && library.exists())
}

/// Whether the note belongs to the program's owner, where files have owners that can be asked for.
fn is_ours(note: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let owner = |path: &Path| std::fs::metadata(path).map(|found| found.uid()).ok();
        let program = std::env::current_exe().ok().as_deref().and_then(owner);
        program.is_some() && owner(note) == program
    }
    #[cfg(not(unix))]
    {
        note.exists()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a note in it, and a program deeper below.
    fn noted(folder: &Path, library: &Path) -> PathBuf {
        let note = folder.join(NOTE);
        std::fs::create_dir_all(note.parent().expect("a folder")).expect("made");
        std::fs::write(&note, format!("{}\n", library.display())).expect("written");
        folder.join("release/deps/program")
    }

    #[test]
    fn a_note_is_followed_in_target_folders_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let library = place.path().join("library");
        std::fs::write(&library, "").expect("written");
        let target = place.path().join("target");
        assert_eq!(above(&noted(&target, &library)), Some(library.clone()));
        assert_eq!(read(&target), Some(library.clone()));
        // Anybody may make folders in `/tmp`.
        assert_eq!(above(&noted(&place.path().join("elsewhere"), &library)), None);
        assert_eq!(above(&noted(place.path(), &library)), None, "nor in a folder above");
    }

    #[test]
    fn a_note_of_nothing_is_none() {
        let place = tempfile::tempdir().expect("a folder");
        assert_eq!(read(place.path()), None);
        noted(place.path(), &place.path().join("gone"));
        assert_eq!(read(place.path()), None);
        noted(place.path(), Path::new("."));
        assert_eq!(read(place.path()), None, "a relative path");
    }

    #[cfg(unix)]
    #[test]
    fn a_note_of_another_user_is_not_followed() {
        let place = tempfile::tempdir().expect("a folder");
        noted(place.path(), place.path());
        assert!(read(place.path()).is_some());
        // Only root can give files away.
        if std::os::unix::fs::chown(place.path().join(NOTE), Some(12_345), None).is_ok() {
            assert_eq!(read(place.path()), None);
        }
    }
}
