//! What a root key says of others, as it stands in `keys.json`.

use serde::{Deserialize, Serialize};

/// The schema version this crate reads and writes.
pub const SCHEMA: u32 = 1;
/// The statement's file name; the signature's is the same with `.minisig` behind it.
pub const STATEMENT: &str = "keys.json";
/// No statement is longer than this, in bytes.
pub const MAX_STATEMENT_BYTES: u64 = 128 << 10;
/// No statement is good for longer than this after it was made, in seconds: 400 days, a year and some weeks to be late.
pub const MAX_STATEMENT_SECONDS: u64 = 400 * 86_400;

/// The whole of `keys.json`. It grows as a catalogue does: readers pass over fields that they do not know, and what they must not
/// overlook raises `schema`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyStatement {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The root key that signs this, in base64: the one that apps pin.
    pub root: String,
    /// Counts up with each statement; a lower one than was seen before is refused.
    pub version: u64,
    /// When it was signed, in seconds since 1970 (UTC).
    pub created: u64,
    /// After this time it is refused, in seconds since 1970 (UTC); at most [`MAX_STATEMENT_SECONDS`] after `created`.
    pub expires: u64,
    /// The keys whose signatures count, at most 32. The root key's own counts only where it is among them.
    pub keys: Vec<DelegatedKey>,
    /// Keys that counted once and were lost or stolen, at most 256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<RevokedKey>,
}

/// A key that signs catalogues and the manifests of base models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DelegatedKey {
    /// The public key, in base64.
    pub key: String,
    /// Catalogues of it with a lower serial are refused, also by devices that have seen none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub from_serial: u64,
}

/// A key whose signatures no longer count. Packs that were installed on its word alone count as withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RevokedKey {
    /// The public key, in base64.
    pub key: String,
    /// Why, for people; up to 128 bytes, or none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl KeyStatement {
    /// One by which no key counts yet. Times are in seconds since 1970 (UTC).
    pub fn new(root: impl Into<String>, version: u64, created: u64, expires: u64) -> Self {
        let (keys, revoked) = (Vec::new(), Vec::new());
        Self { schema: SCHEMA, root: root.into(), version, created, expires, keys, revoked }
    }

    /// Why a key was revoked, which may be no words at all; none where it was not.
    pub fn revocation(&self, key: &str) -> Option<&str> {
        self.revoked.iter().find(|revoked| revoked.key == key).map(|revoked| revoked.reason.as_str())
    }
}

impl DelegatedKey {
    /// One that counts from this serial on; 0 for all.
    pub fn new(key: impl Into<String>, from_serial: u64) -> Self {
        Self { key: key.into(), from_serial }
    }
}

impl RevokedKey {
    /// One that is revoked for this reason.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }
}

fn is_zero(serial: &u64) -> bool {
    *serial == 0
}
