//! The packs that are installed on this device.
//!
//! ```text
//! store.json             what is installed: of each pack its metadata, length and hash; what publishers' catalogues said last
//! trust.json             the latter once more: how far catalogues have counted, which keys count, what was withdrawn
//! objects/HASH.cones     the packs, each named by its SHA-256
//! downloads/             what is being downloaded, kept up to seven days to be resumed
//! .lock                  held by whoever changes something
//! ```
//!
//! An install is over when `store.json` was replaced; until then the store is as it was. Files are written under a
//! temporary name, flushed and renamed, so a process that is killed leaves each pack either whole or absent, and the
//! next [`open`](PackStore::open) clears what it left. Readers take no lock. No name on disk is made from anything but
//! a hash.

mod clean;
#[cfg(feature = "network")]
mod fetch;
mod folder;
mod index;
mod inspect;
mod install;
mod installed;
pub(crate) mod store;
#[cfg(feature = "network")]
mod trust;

pub use inspect::inspect;
pub use installed::Installed;
pub use store::PackStore;
