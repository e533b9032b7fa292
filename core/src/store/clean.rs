//! What interrupted work left behind.

use std::fs::{self, DirEntry};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::folder::{self, Folder, Lock};
use super::index::Index;

/// How long what came of a download is kept, to be resumed.
const KEPT: Duration = Duration::from_secs(7 * 86_400);
/// A file's time may be so far ahead of the clock before that is taken for a clock that was set back.
const AHEAD: Duration = Duration::from_secs(86_400);

/// Clears it. Whoever writes objects holds the lock, so that an unfinished one is nobody's, and so is one that is not
/// listed. Downloads hold no lock for minutes; theirs are told by their age. What cannot be removed is in nobody's way.
pub(super) fn clean(folder: &Folder, index: &Index, _: &Lock) {
    let is_lost = |entry: &DirEntry| {
        let name = entry.file_name();
        folder::is_unfinished(&name) || folder::hash_of(&name).is_some_and(|hash| !index.lists(hash))
    };
    remove(&folder.objects(), is_lost);
    remove(folder.path(), |entry| folder::is_unfinished(&entry.file_name()));
    remove(&folder.downloads(), is_stale);
}

fn remove(folder: &Path, which: impl Fn(&DirEntry) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file())
            && which(&entry)
            && let Err(error) = fs::remove_file(entry.path())
        {
            log::debug!("cannot remove {}: {error}", entry.path().display());
        }
    }
}

fn is_stale(entry: &DirEntry) -> bool {
    let Ok(written) = entry.metadata().and_then(|metadata| metadata.modified()) else { return false };
    match SystemTime::now().duration_since(written) {
        Ok(age) => age > KEPT,
        Err(ahead) => ahead.duration() > AHEAD,
    }
}
