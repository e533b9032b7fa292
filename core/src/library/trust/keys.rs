//! The keys whose signatures count for an app that pins one.

use super::statement::KeyStatement;
use crate::error::{Error, Result};
use crate::library::catalog::key::{Mismatch, PublicKey};

/// A pinned key, with what it said of others; without such a statement the pinned key's own signature counts and no other.
#[derive(Debug, Clone)]
pub struct TrustedKeys {
    root: PublicKey,
    statement: Option<KeyStatement>,
    /// Those that count now.
    keys: Vec<PublicKey>,
}

impl TrustedKeys {
    /// The pinned key alone.
    pub fn pinned(key: &PublicKey) -> Self {
        Self { root: key.clone(), statement: None, keys: vec![key.clone()] }
    }

    /// Those of a statement of this very root key that was verified.
    ///
    /// # Errors
    /// [`Error::Untrusted`] where it holds something that is no key.
    pub fn stated(root: &PublicKey, statement: &KeyStatement) -> Result<Self> {
        let keys = statement.keys.iter().map(|delegated| PublicKey::parse(&delegated.key)).collect::<Result<_>>()?;
        Ok(Self { root: root.clone(), statement: Some(statement.clone()), keys })
    }

    /// The key that the app pins. What was installed on any of the keys' word is this publisher's.
    pub fn root(&self) -> &PublicKey {
        &self.root
    }

    /// What the pinned key said of others, if it did.
    pub fn statement(&self) -> Option<&KeyStatement> {
        self.statement.as_ref()
    }

    /// Whether this key's signatures count.
    pub fn count(&self, key: &PublicKey) -> bool {
        self.keys.contains(key)
    }

    /// From which serial on catalogues of one of the keys count.
    pub fn from_serial(&self, key: &PublicKey) -> u64 {
        let stated = self.statement.iter().flat_map(|statement| &statement.keys);
        stated
            .filter(|delegated| delegated.key == key.base64())
            .map(|delegated| delegated.from_serial)
            .max()
            .unwrap_or(0)
    }

    /// Checks a detached signature over `bytes`, as [`PublicKey::verify`], against each of the keys; gives the one that made it.
    ///
    /// # Errors
    /// [`Error::Untrusted`]: damaged, by a key that was revoked, or by one that never counted.
    pub fn verify(&self, what: &str, bytes: &[u8], signature: &str) -> Result<&PublicKey> {
        let mut wrong = Mismatch::OtherKey;
        for key in &self.keys {
            match key.check(bytes, signature) {
                Ok(()) => return Ok(key),
                Err(Mismatch::OtherKey) => {}
                Err(mismatch) => wrong = mismatch,
            }
        }
        Err(match (&self.statement, wrong) {
            (Some(statement), Mismatch::OtherKey) => self.not_counting(statement, what, bytes, signature),
            _ => wrong.refused(what),
        })
    }

    /// Why a signature does not count that none of the keys made.
    fn not_counting(&self, statement: &KeyStatement, what: &str, bytes: &[u8], signature: &str) -> Error {
        let made = |key: &str| PublicKey::parse(key).is_ok_and(|key| key.check(bytes, signature).is_ok());
        let (reason, hint) = if let Some(revoked) = statement.revoked.iter().find(|revoked| made(&revoked.key)) {
            let why = if revoked.reason.is_empty() { "it does not say why" } else { &revoked.reason };
            (
                format!("it is signed with a key that its publisher has revoked: {why}"),
                "get the publisher's newest one; if this goes on, somebody may be using a stolen key",
            )
        } else if made(&statement.root) {
            (
                "it is signed with the pinned key, which by its own statement signs nothing but that".to_owned(),
                "ask its publisher to publish again with a key that counts",
            )
        } else {
            (
                format!(
                    "it is signed by another publisher, with none of the keys that count by version {} of the statement",
                    statement.version
                ),
                "check the address and the key; if both are right, ask its publisher to publish again",
            )
        };
        Error::Untrusted { what: what.into(), reason, hint: hint.into() }
    }
}
