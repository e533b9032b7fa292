//! Packs that their publisher no longer stands for.

use serde::{Deserialize, Serialize};

use crate::disk::hash::Sha256;

/// A pack that was withdrawn: a device that has it is told so, and no longer draws with it by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Withdrawal {
    /// The pack's name.
    pub name: String,
    /// Fingerprint of the base model it is for.
    pub fingerprint: Sha256,
    /// This version is withdrawn, with all before it.
    pub version: u32,
    /// SHA-256 of the file of that version. A copy that nobody vouched for is known by it.
    pub sha256: Sha256,
    /// Why, for people; up to 128 bytes, or none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Withdrawal {
    /// What no two withdrawals of a catalogue share.
    pub(super) fn identity(&self) -> (&str, Sha256) {
        (&self.name, self.fingerprint)
    }
}
