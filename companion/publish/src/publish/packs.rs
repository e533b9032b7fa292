//! Packs of a publication.

use cones_core::Sha256;
use cones_core::library::catalog::{Catalog, MAX_PACK_BYTES, PackEntry, Withdrawal};
use cones_core::subjects::pack::Header;

use crate::error::Result;

/// Digits of a hash that stand in a file's name.
const DIGITS: usize = 16;

/// A pack's file in memory.
#[derive(Debug, Clone)]
pub struct PackSource {
    /// What messages call it, usually its path.
    pub name: String,
    /// The whole file.
    pub bytes: Vec<u8>,
}

impl PackSource {
    /// What it says of itself; the checksum is checked.
    ///
    /// # Errors
    /// [`cones_core::Error::BadPack`] where it is none.
    pub fn header(&self) -> Result<Header> {
        Ok(Header::read(&self.name, &self.bytes)?)
    }
}

/// The entry of a pack, if it may take the place of what the catalogue lists.
pub(super) fn entry(file: &PackSource, catalog: &Catalog) -> Result<PackEntry> {
    if file.bytes.len() as u64 > MAX_PACK_BYTES {
        let (path, size) = (&file.name, file.bytes.len());
        return Err(format!("`{path}` has {size} bytes; a catalogue lists packs of at most {MAX_PACK_BYTES}").into());
    }
    let header = file.header()?;
    let (name, version) = (&header.metadata.name, header.metadata.version);
    let digits = Sha256::digest(&file.bytes).short(DIGITS);
    let entry = PackEntry::new(&header, &file.bytes, format!("packs/{name}-{version}-{digits}.cones"));
    let is_withdrawn = |w: &&Withdrawal| (&w.name, w.fingerprint) == (name, entry.fingerprint) && version <= w.version;
    if let Some(withdrawal) = catalog.withdrawn.iter().find(is_withdrawn) {
        return Err(format!(
            "`{}` is version {version} of `{name}`, which was withdrawn up to version {}; publish it as version {}",
            file.name,
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
            file.name, listed.version
        )
        .into());
    }
    // Devices that have this version would not look again.
    if version == listed.version && entry.sha256 != listed.sha256 {
        return Err(format!(
            "`{}` is another version {version} of `{name}` than the one in the catalogue; publish it as version {next}",
            file.name
        )
        .into());
    }
    Ok(entry)
}
