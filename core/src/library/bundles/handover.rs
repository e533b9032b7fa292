//! Bundles that the host app got by its own means.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cancel::CancelToken;
use crate::disk::files;
use crate::error::{Error, Result};
use crate::library::catalog::{BundleEntry, MAX_SIGNATURE_BYTES, PublicKey};
use crate::library::download::{Expected, Received, SIGNATURE, Watch};
use crate::model::bundle::{MANIFEST, MAX_MANIFEST_BYTES};

use super::plan::InstallPlan;
use super::staging::{Staging, check_whole};
use super::store::BundleStore;

/// What vouches for a bundle that did not come through [`BundleStore::install`].
#[derive(Debug, Clone, Copy)]
pub enum Voucher<'a> {
    /// An entry of a verified catalogue: it holds the hash of `bundle.json`.
    Entry(&'a BundleEntry),
    /// A publisher's key: `bundle.json.minisig` lies beside `bundle.json`. Where the key has handed signing over to others, its
    /// statement `keys.json` lies there too, or this store remembers it.
    Key(&'a PublicKey),
    /// Nobody but whoever made the folder, as with a model that was imported on this device. Its files are still
    /// compared with its own `bundle.json`.
    Nobody,
}

/// What becomes of the folder that is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// It stays as it is; the store takes a copy.
    Copy,
    /// It moves into the store, which costs no space on the same file system. Nothing is moved before all of it was
    /// found right; files that the manifest does not list stay.
    Move,
}

impl BundleStore {
    /// Installs a bundle from a folder, in place of an installed one of the same name; gives its new folder. Every file
    /// is hashed.
    ///
    /// # Errors
    /// [`Error::BadBundle`] naming the first file that is wrong, [`Error::Untrusted`], [`Error::OutOfSpace`],
    /// [`Error::Io`], [`Error::Cancelled`].
    pub fn install_folder(
        &self,
        from: &Path,
        voucher: Voucher<'_>,
        handover: Handover,
        watch: &mut dyn Watch,
        cancel: &CancelToken,
    ) -> Result<PathBuf> {
        let manifest = from.join(MANIFEST);
        let plan = InstallPlan::new(&manifest.display().to_string(), read(&manifest, MAX_MANIFEST_BYTES)?)?;
        let signature = files::beside(&manifest, "", SIGNATURE);
        match voucher {
            Voucher::Entry(entry) => plan.check_entry(entry)?,
            Voucher::Key(key) => {
                let text = read(&signature, MAX_SIGNATURE_BYTES)?;
                let keys = self.follow_folder(from, key, cancel)?;
                keys.verify(&plan.what, &plan.json, &String::from_utf8_lossy(&text))?;
            }
            Voucher::Nobody => {}
        }
        let mut staging = Staging::begin(&self.folder, plan, cancel)?;
        match handover {
            Handover::Copy => take(&mut staging, from, watch, cancel, copy)?,
            Handover::Move => {
                take(&mut staging, from, watch, cancel, check)?;
                // An interrupted call that moved some of it already had found this right.
                if staging.is_empty() {
                    check_whole(from, &staging.plan.manifest)?;
                }
                take(&mut staging, from, &mut (), cancel, relocate)?;
            }
        }
        let names: Vec<String> = staging.plan.files().map(|(name, _)| name.to_owned()).collect();
        let installed = staging.publish()?;
        if handover == Handover::Move {
            // What could only be copied, the manifest and its signature; the folder if nothing else is in it.
            let left = names.iter().map(|name| from.join(name)).chain([manifest, signature]);
            left.for_each(|path| drop(std::fs::remove_file(path)));
            let _ = std::fs::remove_dir(from);
        }
        Ok(installed)
    }
}

/// One way to take a file; says whether it was right.
type Way = fn(&mut Staging<'_>, &Path, &str, &Expected, &CancelToken) -> Result<bool>;

/// Takes all files that are not there yet.
fn take(staging: &mut Staging<'_>, from: &Path, watch: &mut dyn Watch, cancel: &CancelToken, way: Way) -> Result<()> {
    let wanted: Vec<(String, Expected)> = staging.plan.files().map(|(name, known)| (name.to_owned(), known)).collect();
    let mut bytes = 0;
    for (name, known) in wanted {
        // Left by an interrupted call.
        if !staging.has(&name) && files::has(&staging.file(&name), known.bytes, known.sha256, cancel)? {
            staging.came(&name);
        }
        let source = from.join(&name);
        if !staging.has(&name) && !way(staging, &source, &name, &known, cancel)? {
            let reason = "it is missing, or its length or SHA-256 is not what `bundle.json` says";
            return Err(Error::bundle(source, reason));
        }
        bytes += known.bytes;
        watch.received(Received { name: &name, bytes, total: staging.plan.total });
    }
    Ok(())
}

fn check(_: &mut Staging<'_>, source: &Path, _: &str, known: &Expected, cancel: &CancelToken) -> Result<bool> {
    files::has(source, known.bytes, known.sha256, cancel)
}

fn copy(staging: &mut Staging<'_>, source: &Path, name: &str, known: &Expected, cancel: &CancelToken) -> Result<bool> {
    staging.check_space()?;
    let right = staging.copy(source, name, known, cancel)?;
    if right {
        staging.came(name);
    }
    Ok(right)
}

/// Moves a file that was just found right; copies it from another file system.
fn relocate(
    staging: &mut Staging<'_>,
    source: &Path,
    name: &str,
    known: &Expected,
    cancel: &CancelToken,
) -> Result<bool> {
    // A link would lead out of the store.
    let is_file = std::fs::symlink_metadata(source).is_ok_and(|found| found.is_file());
    if !is_file || std::fs::rename(source, staging.file(name)).is_err() {
        return copy(staging, source, name, known, cancel);
    }
    staging.came(name);
    Ok(true)
}

/// A small file of a folder that was handed over.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let bad = |error: std::io::Error| Error::bundle(path, format!("cannot read it: {error}"));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| Error::bundle(path, format!("cannot open it: {error}")))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(bad)?;
    if bytes.len() as u64 > most {
        return Err(Error::bundle(path, format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}
