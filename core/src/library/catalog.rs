//! A publisher's catalogue: `catalog.json` with its detached minisign signature `catalog.json.minisig`.
//!
//! It grows as a bundle's manifest does (see [`manifest`](crate::model::manifest)): readers pass over fields that they do not
//! know, and what they must not overlook raises `schema`.
//!
//! An app pins the publisher's public key. Whatever does not carry that key's signature, or that of a key to which it has handed
//! signing over (see [`trust`](crate::library::trust)), or is past its time, is refused before a name, a size or a URL of it is used.
//! One pinned key is one catalogue: its serial counts up, and a device refuses one that is lower than it has seen (see
//! [`PackStore::catalog`](crate::library::packs::PackStore::catalog)).

#[cfg(feature = "network")]
mod check;
mod entry;
#[cfg(feature = "network")]
pub(crate) mod key;
pub(crate) mod limits;
pub(crate) mod listing;
#[cfg(feature = "network")]
mod location;
pub(crate) mod signed_by;
#[cfg(feature = "network")]
mod verified;
pub(crate) mod withdrawal;

#[cfg(feature = "network")]
pub use key::PublicKey;
pub use limits::{
    CATALOG, MAX_CATALOG_BYTES, MAX_CATALOG_SECONDS, MAX_PACK_BYTES, MAX_SERIALS_A_SECOND, MAX_SIGNATURE_BYTES, SCHEMA,
};
pub use listing::{BundleEntry, Catalog, PackEntry};
pub use withdrawal::Withdrawal;
