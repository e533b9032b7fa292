//! A bundle that is being put together, in a folder that is kept until it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cancel::CancelToken;
use crate::disk::atomic;
use crate::disk::files;
use crate::disk::hash::Sha256;
use crate::disk::lock::Lock;
use crate::disk::space;
use crate::error::{Error, Result};
use crate::library::download::Expected;
use crate::model::bundle::{self, ATTENTION, Bundle, MANIFEST, MAX_MANIFEST_BYTES};
use crate::model::external_data;
use crate::model::manifest::{FileEntry, Manifest};

use super::folder::{self, Folder};
use super::plan::InstallPlan;

/// One process's work on a bundle.
pub(super) struct Staging<'a> {
    folder: &'a Folder,
    pub(super) plan: InstallPlan,
    path: PathBuf,
    /// Files that are there and whose hash was found right by this process.
    whole: BTreeSet<String>,
    _lock: Lock,
}

impl<'a> Staging<'a> {
    /// Begins, or goes on with what was left. Waits while another process is at the same bundle.
    pub(super) fn begin(folder: &'a Folder, plan: InstallPlan, cancel: &CancelToken) -> Result<Self> {
        folder.check_place(&plan.manifest.name)?;
        let path = folder.staging(plan.sha256);
        // On a disk that nobody may write to a store is opened without its folder: whoever would change it is told why there is none.
        std::fs::create_dir_all(folder.path()).map_err(Error::io("create", folder.path()))?;
        let lock = Lock::wait(&folder::lock_of(&path), cancel)?;
        std::fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        atomic::replace(&path.join(MANIFEST), &plan.json)?;
        Ok(Self { folder, plan, path, whole: BTreeSet::new(), _lock: lock })
    }

    /// Where a file of the bundle belongs.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether a file is there and its hash was found right.
    pub(super) fn has(&self, name: &str) -> bool {
        self.whole.contains(name)
    }

    /// Whether no file is there yet whose hash was found right.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty()
    }

    /// Notes that a file is there, with the right hash.
    pub(super) fn came(&mut self, name: &str) {
        self.whole.insert(name.into());
    }

    /// Takes files that other bundles of the store have as well, as most of them are when a bundle is replaced by its
    /// next version.
    pub(super) fn adopt(&mut self, cancel: &CancelToken) -> Result<()> {
        let there = self.others();
        let wanted: Vec<(String, Expected)> = self.plan.files().map(|(name, known)| (name.to_owned(), known)).collect();
        for (name, known) in wanted {
            if self.file(&name).exists() {
                continue;
            }
            for path in there.get(&(known.bytes, known.sha256)).into_iter().flatten() {
                cancel.check()?;
                if self.link(path, &name, &known, cancel)? || self.copy(path, &name, &known, cancel)? {
                    self.came(&name);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Takes a file as a second name of one that nobody writes to. Some systems, as Android, allow apps no such names.
    fn link(&self, from: &Path, name: &str, known: &Expected, cancel: &CancelToken) -> Result<bool> {
        if !files::has(from, known.bytes, known.sha256, cancel)? {
            return Ok(false);
        }
        let linked = std::fs::hard_link(from, self.file(name));
        Ok(linked.is_ok())
    }

    /// Takes a copy of a file, if it has the right hash.
    pub(super) fn copy(&self, from: &Path, name: &str, known: &Expected, cancel: &CancelToken) -> Result<bool> {
        if std::fs::metadata(from).map_or(true, |found| found.len() != known.bytes) {
            return Ok(false);
        }
        let copy = files::beside(&self.file(name), ".", ".copy");
        let copied = files::copy(from, &copy, cancel);
        if !matches!(&copied, Ok(sha256) if *sha256 == known.sha256) {
            let _ = std::fs::remove_file(&copy);
            return copied.map(|_| false);
        }
        std::fs::rename(&copy, self.file(name)).map_err(Error::io("rename", &copy))?;
        Ok(true)
    }

    /// The files of all other bundles, whole or coming, by length and listed hash.
    fn others(&self) -> BTreeMap<(u64, Sha256), Vec<PathBuf>> {
        let mut found: BTreeMap<(u64, Sha256), Vec<PathBuf>> = BTreeMap::new();
        let names = [self.folder.names(), self.folder.stagings()].into_iter().flatten().flatten();
        for folder in names.map(|name| self.folder.path().join(name)).filter(|folder| *folder != self.path) {
            for (name, entry) in listed(&folder) {
                let known = (entry.bytes, entry.sha256);
                found.entry(known).or_default().push(folder.join(name));
            }
        }
        found
    }

    /// Refuses to go on where what is missing does not fit.
    pub(super) fn check_space(&self) -> Result<()> {
        space::check(&self.path, self.plan.total.saturating_sub(folder::size(&self.path)))
    }

    /// Makes it an installed bundle; gives its folder. All files must have [`came`](Self::came).
    pub(super) fn publish(self) -> Result<PathBuf> {
        self.tidy()?;
        if let Err(error) = check_whole(&self.path, &self.plan.manifest) {
            // All hashes are right, so it would be the same again.
            folder::delete(&self.path);
            return Err(self.blamed(error));
        }
        let manifest = self.path.join(MANIFEST);
        // Some systems flush only what is open for writing.
        let flushed = OpenOptions::new().write(true).open(&manifest).and_then(|file| file.sync_all());
        flushed.map_err(Error::io("flush", &manifest))?;
        files::sync_folder(&self.path);
        self.folder.publish(&self.path, &self.plan.manifest.name)?;
        Ok(self.folder.bundle(&self.plan.manifest.name))
    }

    /// Removes what the manifest does not list.
    fn tidy(&self) -> Result<()> {
        let entries = std::fs::read_dir(&self.path).map_err(Error::io("read", &self.path))?;
        for entry in entries.flatten() {
            let listed = entry.file_name().to_str().is_some_and(|name| name == MANIFEST || self.has(name));
            if !listed {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// An error of a bundle that is as its publisher made it.
    fn blamed(&self, error: Error) -> Error {
        match error {
            Error::BadBundle { path, reason, .. } => {
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let reason = if file == MANIFEST { reason } else { format!("`{file}`: {reason}") };
                Error::BadBundle { path: self.plan.what.clone().into(), reason, hint: "tell its publisher".into() }
            }
            other => other,
        }
    }
}

/// Checks what hashes do not: that the files are those of a bundle, and that its graphs keep to their folder.
pub(super) fn check_whole(path: &Path, manifest: &Manifest) -> Result<()> {
    let bundle = Bundle::open(path)?;
    let graphs = manifest.files.keys().filter(|name| name.ends_with(".onnx"));
    graphs.map(|name| bundle.file(name)).try_for_each(|file| external_data::check_if_graph(&file?))?;
    let found = bundle.attention().fingerprint();
    if found == manifest.fingerprint {
        return Ok(());
    }
    let reason = format!("its fingerprint is {found} instead of {}", manifest.fingerprint);
    Err(Error::bundle(path.join(ATTENTION), reason))
}

/// What a folder's manifest lists; nothing if it cannot be read.
fn listed(folder: &Path) -> Vec<(String, FileEntry)> {
    #[derive(Deserialize)]
    struct Files {
        files: BTreeMap<String, FileEntry>,
    }
    let path = folder.join(MANIFEST);
    let json = match std::fs::metadata(&path) {
        Ok(found) if found.len() <= MAX_MANIFEST_BYTES => std::fs::read(&path).unwrap_or_default(),
        _ => Vec::new(),
    };
    let files = serde_json::from_slice(&json).map_or_else(|_| BTreeMap::new(), |Files { files }| files);
    files.into_iter().filter(|(name, _)| bundle::is_plain(name)).collect()
}
