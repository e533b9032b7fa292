//! Whose signatures count: keys that an app pins, and the statements by which such a key hands signing over to others.
//!
//! An app pins one key. By itself that key signs catalogues. It may instead be a *root key*, kept offline, that signs nothing but a
//! small statement, `keys.json` with `keys.json.minisig`, beside `catalog.json`: which keys sign catalogues now, and which were
//! revoked. A device follows the statement by itself, remembers it with its version, refuses an older one, and takes a missing one for
//! the remembered one until that expires. Where there is none and none was ever seen, the pinned key itself has to have signed. So
//! neither a host nor the thief of a signing key can take a revocation back, and no app changes when a key does.
//!
//! ```text
//! pinned key (root) ── keys.json ── keys that count now ── catalog.json, bundle.json
//! ```

#[cfg(feature = "network")]
mod check;
#[cfg(feature = "network")]
pub(crate) mod follow;
#[cfg(feature = "network")]
pub(crate) mod keys;
pub(crate) mod memory;
#[cfg(feature = "network")]
pub(crate) mod span;
pub(crate) mod statement;
#[cfg(feature = "network")]
mod verified;

#[cfg(feature = "network")]
pub use keys::TrustedKeys;
pub use statement::{
    DelegatedKey, KeyStatement, MAX_STATEMENT_BYTES, MAX_STATEMENT_SECONDS, RevokedKey, SCHEMA, STATEMENT,
};
