//! Packs of a publication.

use cones_core::library::catalog::{Catalog, MAX_PACK_BYTES, PackEntry, Withdrawal};

use crate::failure::Failure;
use crate::pack_file::PackFile;

/// Digits of a hash that stand in a file's name.
const DIGITS: usize = 16;

/// The entry of a pack, if it may take the place of what the catalogue lists.
pub(super) fn entry(file: &PackFile, catalog: &Catalog) -> Result<PackEntry, Failure> {
    if file.bytes.len() as u64 > MAX_PACK_BYTES {
        let (path, size) = (file.path.display(), file.bytes.len());
        return Err(format!("`{path}` has {size} bytes; a catalogue lists packs of at most {MAX_PACK_BYTES}").into());
    }
    let header = file.header()?;
    let (name, version) = (&header.metadata.name, header.metadata.version);
    let digits = file.sha256.short(DIGITS);
    let entry = PackEntry::new(&header, &file.bytes, format!("packs/{name}-{version}-{digits}.cones"));
    let is_withdrawn = |w: &&Withdrawal| (&w.name, w.fingerprint) == (name, entry.fingerprint) && version <= w.version;
    if let Some(withdrawal) = catalog.withdrawn.iter().find(is_withdrawn) {
        return Err(format!(
            "`{}` is version {version} of `{name}`, which was withdrawn up to version {}; publish it as version {}",
            file.path.display(),
            withdrawal.version,
            withdrawal.version.saturating_add(1)
        )
        .into());
    }
    let Some(listed) = catalog.pack(name, Some(entry.fingerprint)) else { return Ok(entry) };
    let next = listed.version.saturating_add(1);
    if version < listed.version {
        return Err(format!(
            "`{}` is version {version} of `{name}`, the catalogue lists version {}; publish it as version {next}",
            file.path.display(),
            listed.version
        )
        .into());
    }
    // Devices that have this version would not look again.
    if version == listed.version && entry.sha256 != listed.sha256 {
        return Err(format!(
            "`{}` is another version {version} of `{name}` than the one in the catalogue; publish it as version {next}",
            file.path.display()
        )
        .into());
    }
    Ok(entry)
}
