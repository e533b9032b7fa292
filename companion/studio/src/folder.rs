//! The studio's folder: all that it keeps, and nothing of it elsewhere.
//!
//! ```text
//! token                     who has it is this machine's user
//! subjects/s1/subject.json  what was said of it, and its photos
//! subjects/s1/photos/       p1 as it was sent, p1.jpg as it is shown
//! subjects/s1/pictures/     p000001.png, cut out: what is learned from
//! subjects/s1/found/        rex.cones, rex.finding.json
//! jobs/j1/                  job.json and the pictures that it made
//! gallery/g1.png            pictures that were kept
//! masks/m1.png              what was painted over a picture
//! publishing/               key, and the folder `public`
//! ```

use std::path::{Path, PathBuf};

use cones_core::disk::atomic;
use cones_core::disk::lock::Lock;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::id::Id;

/// The folder, locked against a second studio until it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: Lock,
}

impl Folder {
    /// Opens it, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        make_private(path)?;
        let lock = Lock::attempt(&path.join(".lock"))?.ok_or_else(|| {
            Error::request(
                format!("another studio has `{}` open", path.display()),
                "use its page, or give another folder with --folder",
            )
        })?;
        let folder = Self { path: path.to_path_buf(), _lock: lock };
        for below in ["subjects", "jobs", "gallery", "masks", "publishing"] {
            make(&folder.path.join(below))?;
        }
        Ok(folder)
    }

    /// A file or folder below it, of a fixed name.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder of a subject.
    pub(crate) fn subject(&self, id: Id) -> PathBuf {
        self.path.join("subjects").join(id.to_string())
    }

    /// The folder of a job.
    pub(crate) fn job(&self, id: Id) -> PathBuf {
        self.path.join("jobs").join(id.to_string())
    }

    /// A picture that was kept.
    pub(crate) fn kept(&self, id: Id) -> PathBuf {
        self.path.join("gallery").join(format!("{id}.png"))
    }

    /// What was painted over a picture.
    pub(crate) fn mask(&self, id: Id) -> PathBuf {
        self.path.join("masks").join(format!("{id}.png"))
    }
}

/// Makes a folder, if need be.
pub(crate) fn make(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::io("create", path))
}

/// Makes a folder that its owner alone may look into: it will hold their photos.
fn make_private(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::io("create", path))
}

/// Writes a value as JSON; the file appears whole.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_vec_pretty(value).map_err(|error| Error::Lost(error.to_string()))?;
    Ok(atomic::write(path, &json)?)
}

/// Reads a value that [`write_json`] wrote; none where there is none, or a damaged one: that is left and passed over.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = std::fs::read(path).ok()?;
    match serde_json::from_slice(&bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            log::warn!("a file of the studio is damaged and passed over: {error}");
            None
        }
    }
}

/// The names of what is in a folder, without `ending`, as far as they are names of this kind; in order.
pub(crate) fn ids(folder: &Path, kind: char, ending: &str) -> Vec<Id> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut ids: Vec<Id> =
        entries.filter_map(|entry| Id::parse(kind, entry.file_name().to_str()?.strip_suffix(ending)?)).collect();
    ids.sort_unstable();
    ids
}
