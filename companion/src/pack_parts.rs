//! What packs are made of, besides their masks.

use std::path::Path;

use cones_core::subjects::pack::Metadata;
use cones_core::{Error, Pack};

use crate::failure::Failure;

/// What wrote a pack.
pub fn tool() -> String {
    concat!("cones ", env!("CARGO_PKG_VERSION")).into()
}

/// A pack's name from the file it is written to: `Rex.cones` is `rex`.
pub fn name_of(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Metadata of several packs in one, named after its file. Triggers are joined as a prompt joins them; an author or licence
/// that all have is kept, others are listed.
pub fn joined(packs: &[Pack], file: &Path) -> Metadata {
    let of = |value: fn(&Metadata) -> &str, between: &str| {
        let mut values: Vec<&str> = packs.iter().map(|pack| value(&pack.metadata)).filter(|v| !v.is_empty()).collect();
        values.dedup();
        values.join(between)
    };
    let mut metadata = Metadata::new(name_of(file), of(|m| &m.trigger, " and a "), of(|m| &m.class, ", "));
    metadata.version = packs.iter().map(|pack| pack.metadata.version).max().unwrap_or(1);
    metadata.scope = packs.first().map(|pack| pack.metadata.scope).unwrap_or_default();
    metadata.author = of(|m| &m.author, ", ");
    metadata.licence = of(|m| &m.licence, " AND ");
    metadata.model = of(|m| &m.model, ", ");
    metadata
}

/// Reads a pack's preview picture; the pack itself checks what it is.
///
/// # Errors
/// When it cannot be read or is too large for a pack.
pub fn read_preview(path: &Path) -> Result<Vec<u8>, Failure> {
    const MOST: u64 = 64 * 1024;
    let size = std::fs::metadata(path).map_err(Error::io("open", path))?.len();
    if size > MOST {
        return Err(format!("preview `{}` has {size} bytes; a pack holds at most {MOST}", path.display()).into());
    }
    Ok(std::fs::read(path).map_err(Error::io("read", path))?)
}
