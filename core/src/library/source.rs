//! Where what a catalogue lists comes from.

use crate::library::catalog::Catalog;
use crate::library::download::Downloader;

/// Where packs and bundles of a catalogue come from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What fetches them.
    pub downloader: &'a Downloader,
    /// The catalogue that lists them; see [`PackStore::catalog`](crate::library::packs::PackStore::catalog).
    pub catalog: &'a Catalog,
    /// The catalogue's own URL: what it lists may be relative to that.
    pub url: &'a str,
}
