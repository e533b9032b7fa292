//! Base models of a publication.

use std::path::Path;

use cones_core::library::catalog::BundleEntry;
use cones_core::library::trust::TrustedKeys;
use cones_core::model::bundle::MANIFEST;
use cones_core::model::manifest::FileEntry;
use cones_core::{Bundle, CancelToken, Sha256};

use super::folder::Folder;
use crate::error::Result;
use crate::keys::SigningKey;

/// Digits of a hash that stand in a folder's name.
const DIGITS: usize = 16;

/// The entry of a bundle, whose every file is hashed.
pub(super) fn entry(bundle: &Bundle) -> Result<BundleEntry> {
    bundle.verify()?;
    let manifest = bundle.manifest();
    let path = bundle.path().join(MANIFEST);
    let bytes = std::fs::metadata(&path).map_err(cones_core::Error::io("open", &path))?.len();
    let sha256 = Sha256::of_file(&path, &CancelToken::new())?;
    // A catalogue lists several forms of one name; the exact one's folder has the name alone.
    let named = match &manifest.form {
        Some(form) => format!("{}-{form}", manifest.name),
        None => manifest.name.clone(),
    };
    let digits = sha256.short(DIGITS);
    let all = bytes + manifest.files.values().map(|file| file.bytes).sum::<u64>();
    let own = FileEntry { bytes, sha256 };
    let url = format!("bundles/{named}-{digits}/");
    let mut entry = BundleEntry::new(&manifest.name, manifest.fingerprint, own, all, url);
    entry.licence.clone_from(&manifest.licence);
    entry.form.clone_from(&manifest.form);
    Ok(entry)
}

/// Copies its files, signs its manifest. What is there already, and whole, is left.
pub(super) fn write(folder: &Folder, bundle: &Bundle, entry: &BundleEntry, key: &SigningKey, now: u64) -> Result<()> {
    for (name, file) in &bundle.manifest().files {
        copy(folder, &bundle.file(name)?, &format!("{}{name}", entry.url), file.sha256)?;
    }
    let path = bundle.path().join(MANIFEST);
    let json = std::fs::read(&path).map_err(cones_core::Error::io("read", &path))?;
    folder.write(&format!("{}{MANIFEST}", entry.url), &json)?;
    sign(folder, entry, &json, &TrustedKeys::pinned(&key.public()?), key, now)
}

/// Signs the manifest of a bundle that was published before, if none of the keys that count now had signed it.
pub(super) fn sign_anew(
    folder: &Folder,
    entry: &BundleEntry,
    keys: &TrustedKeys,
    key: &SigningKey,
    now: u64,
) -> Result<()> {
    let json = std::fs::read(folder.path(&format!("{}{MANIFEST}", entry.url))).unwrap_or_default();
    // One that lies elsewhere, or is not what the catalogue says, is not ours to sign.
    if Sha256::digest(&json) != entry.manifest.sha256 {
        return Ok(());
    }
    sign(folder, entry, &json, keys, key, now)
}

/// Signs a manifest, unless one of the keys has.
fn sign(
    folder: &Folder,
    entry: &BundleEntry,
    json: &[u8],
    keys: &TrustedKeys,
    key: &SigningKey,
    now: u64,
) -> Result<()> {
    let signature = format!("{}{MANIFEST}.minisig", entry.url);
    let there = std::fs::read_to_string(folder.path(&signature)).unwrap_or_default();
    if keys.verify(MANIFEST, json, &there).is_ok() {
        return Ok(());
    }
    folder.write(&signature, key.sign(MANIFEST, json, now)?.as_bytes())
}

fn copy(folder: &Folder, from: &Path, to: &str, sha256: Sha256) -> Result<()> {
    let there = folder.path(to);
    if there.is_file() && Sha256::of_file(&there, &CancelToken::new())? == sha256 {
        return Ok(());
    }
    folder.copy(from, to)
}
