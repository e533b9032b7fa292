//! Reading a statement: what its root key signed, whole and in order.

use super::check;
use super::span::{CLOCK_TOLERANCE, span};
use super::statement::{KeyStatement, MAX_STATEMENT_BYTES, SCHEMA};
use crate::error::{Error, Result};
use crate::library::catalog::key::PublicKey;
use crate::library::signed::{self, refused};

impl KeyStatement {
    /// Checks the root key's signature over `json`, then schema, limits and keys. `what` is what messages call it, usually its URL.
    /// Version and expiry are for whoever remembers the last one to check.
    ///
    /// # Errors
    /// [`Error::Untrusted`] saying why.
    pub fn verify(what: &str, json: &[u8], signature: &str, root: &PublicKey) -> Result<Self> {
        if json.len() as u64 > MAX_STATEMENT_BYTES {
            let reason = format!("it has {} bytes; a statement of keys has at most {MAX_STATEMENT_BYTES}", json.len());
            return Err(refused(what, reason));
        }
        root.verify(what, json, signature)?;
        let statement: Self = signed::read(what, "statement of keys", SCHEMA, json)?;
        check::check(&statement).map_err(|reason| refused(what, reason))?;
        if statement.root != root.base64() {
            return Err(refused(what, format!("it says that its root key is {}", statement.root)));
        }
        Ok(statement)
    }

    /// Refuses a statement that is past its time, or by a clock that is more than a day behind. `now` is in seconds since 1970 (UTC).
    ///
    /// # Errors
    /// [`Error::Untrusted`].
    pub fn check_fresh(&self, what: &str, now: u64) -> Result<()> {
        let refuse =
            |reason: String, hint: &str| Err(Error::Untrusted { what: what.into(), reason, hint: hint.into() });
        if now > self.expires {
            let late = span(now - self.expires);
            let reason = format!("the publisher's statement of keys expired {late} ago by this device's clock");
            return refuse(reason, "ask its publisher to sign a new one, and check the device's date and time");
        }
        if now.saturating_add(CLOCK_TOLERANCE) < self.created {
            let early = span(self.created - now);
            let reason = format!("the publisher's statement of keys was signed {early} after what this clock says");
            return refuse(reason, "set the device's date and time");
        }
        Ok(())
    }

    /// The bytes to sign and publish: indented JSON in a fixed order. What [`verify`](Self::verify) would refuse is not encoded.
    ///
    /// # Errors
    /// [`Error::BadRequest`] saying what is wrong with it.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let bad = |reason: String| Error::request("keys", format!("cannot be published: {reason}"));
        if self.schema != SCHEMA {
            return Err(bad(format!("they have schema {} instead of {SCHEMA}", self.schema)));
        }
        check::check(self).map_err(bad)?;
        let mut sorted = self.clone();
        sorted.keys.sort_by(|a, b| a.key.cmp(&b.key));
        sorted.revoked.sort_by(|a, b| a.key.cmp(&b.key));
        let mut json = serde_json::to_vec_pretty(&sorted).map_err(|error| bad(error.to_string()))?;
        json.push(b'\n');
        if json.len() as u64 > MAX_STATEMENT_BYTES {
            return Err(bad(format!("they have {} bytes; at most {MAX_STATEMENT_BYTES} are read", json.len())));
        }
        Ok(json)
    }
}
