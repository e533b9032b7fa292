//! Links in an export that lead out of it. Whoever sends somebody an export could have their files copied into a bundle by them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Folders below an export: `unet`, `text_encoder`, and whatever a graph names below its own folder.
const DEPTH: u32 = 3;

/// Refuses a folder that holds a link to something outside of it. Hugging Face's cache is made of such links, each from a snapshot to
/// the same repository's `blobs`: those are followed.
///
/// # Errors
/// [`Error::Config`] naming the link and where it leads.
pub(crate) fn check(folder: &Path) -> Result<()> {
    let root = fs::canonicalize(folder).map_err(Error::io("open", folder))?;
    let within = Within { blobs: blobs(&root), root };
    within.check(folder, DEPTH)
}

/// Where links may lead.
struct Within {
    root: PathBuf,
    blobs: Option<PathBuf>,
}

impl Within {
    fn check(&self, folder: &Path, depth: u32) -> Result<()> {
        for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
            let entry = entry.map_err(Error::io("list", folder))?;
            let kind = entry.file_type().map_err(Error::io("list", folder))?;
            if kind.is_symlink() {
                self.check_link(&entry.path())?;
            } else if kind.is_dir() && depth > 0 {
                self.check(&entry.path(), depth - 1)?;
            }
        }
        Ok(())
    }

    fn check_link(&self, link: &Path) -> Result<()> {
        // One that leads nowhere is missed by whoever wants to read it.
        let Ok(target) = fs::canonicalize(link) else { return Ok(()) };
        let allowed = [Some(&self.root), self.blobs.as_ref()];
        if allowed.into_iter().flatten().any(|root| target.starts_with(root)) {
            return Ok(());
        }
        let reason = format!("it is a link that leads out of the export, to `{}`", target.display());
        let hint = "if that file belongs to the export, put it in the link's place; links within the export and in Hugging Face's cache \
                    are followed";
        Err(Error::config(link, reason, hint))
    }
}

/// Of a snapshot in Hugging Face's cache, `models--NAME/snapshots/REVISION` or a folder in it, the folder `models--NAME/blobs`.
fn blobs(root: &Path) -> Option<PathBuf> {
    let snapshots = root.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "snapshots"))?;
    let repository = snapshots.parent()?;
    let is_cached = repository.file_name().is_some_and(|name| name.to_string_lossy().starts_with("models--"));
    is_cached.then(|| repository.join("blobs"))
}
