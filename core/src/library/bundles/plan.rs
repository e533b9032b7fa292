//! What is to be installed: a manifest that something vouches for, checked before any file of it is asked for.

use std::collections::BTreeSet;
use std::path::Path;

use crate::disk::hash::Sha256;
use crate::error::{Error, Result};
use crate::library::catalog::BundleEntry;
use crate::library::download::Expected;
use crate::model::bundle::{self, MANIFEST};
use crate::model::form;
use crate::model::manifest::Manifest;
use crate::subjects::pack::metadata::check_text;

/// A bundle has eight files; more than this is a mistake or worse.
const MOST_FILES: usize = 256;
/// As a catalogue limits it.
const MAX_BYTES: u64 = 64 << 30;

/// A bundle that is to be installed.
pub(super) struct InstallPlan {
    /// What messages call the manifest: its URL or file.
    pub(super) what: String,
    /// What the manifest says.
    pub(super) manifest: Manifest,
    /// `bundle.json` as it came.
    pub(super) json: Vec<u8>,
    /// SHA-256 of that.
    pub(super) sha256: Sha256,
    /// Bytes of all files but the manifest.
    pub(super) total: u64,
}

impl InstallPlan {
    /// Checks a manifest as opening the bundle will, and what matters to a store besides.
    ///
    /// # Errors
    /// [`Error::BadBundle`].
    pub(super) fn new(what: &str, json: Vec<u8>) -> Result<Self> {
        let bad = |reason: String| Error::BadBundle { path: what.into(), reason, hint: "tell its publisher".into() };
        let text = std::str::from_utf8(&json).map_err(|error| bad(format!("not a bundle manifest: {error}")))?;
        let manifest = bundle::parse_manifest(Path::new(what), text)?;
        check_text("name", &manifest.name).map_err(bad)?;
        let total = check_files(&manifest).map_err(bad)?;
        let sha256 = Sha256::digest(&json);
        Ok(Self { what: what.into(), manifest, json, sha256, total })
    }

    /// Its files with what is known of them, the manifest not among them.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, Expected)> {
        self.manifest
            .files
            .iter()
            .map(|(name, entry)| (name.as_str(), Expected { bytes: entry.bytes, sha256: entry.sha256 }))
    }

    /// Checks that it is what a catalogue announced.
    ///
    /// # Errors
    /// [`Error::Untrusted`].
    pub(super) fn check_entry(&self, entry: &BundleEntry) -> Result<()> {
        let manifest = &self.manifest;
        let reason = if self.sha256 != entry.manifest.sha256 {
            format!("its SHA-256 is {} instead of {}", self.sha256, entry.manifest.sha256)
        } else if manifest.name != entry.name {
            format!("it is `{}`; the catalogue calls it `{}`", manifest.name, entry.name)
        } else if manifest.fingerprint != entry.fingerprint {
            format!("its fingerprint is {} instead of {}", manifest.fingerprint, entry.fingerprint)
        } else if manifest.form != entry.form {
            let [own, listed] = [&manifest.form, &entry.form].map(|form| form::name(form.as_ref()));
            format!("it has the form {own}; the catalogue lists {listed}")
        } else if self.total > entry.bytes {
            format!("its files have {} bytes; the catalogue announces {}", self.total, entry.bytes)
        } else {
            return Ok(());
        };
        let hint = "get the catalogue again; if that does not help, tell its publisher".into();
        Err(Error::Untrusted { what: self.what.clone(), reason, hint })
    }
}

/// The sum of the files' lengths, if all is well with them.
fn check_files(manifest: &Manifest) -> Result<u64, String> {
    if manifest.files.len() > MOST_FILES {
        return Err(format!("it lists {} files; at most {MOST_FILES} are allowed", manifest.files.len()));
    }
    // Where capitals make no difference, these would be written over each other.
    let mut names = BTreeSet::from([MANIFEST.to_owned()]);
    let mut total = 0u64;
    for (name, entry) in &manifest.files {
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(format!("it lists `{name}` besides another file of that name"));
        }
        total = total.saturating_add(entry.bytes);
    }
    if total > MAX_BYTES {
        Err(format!("its files have {total} bytes; at most {MAX_BYTES} are allowed"))
    } else {
        Ok(total)
    }
}
