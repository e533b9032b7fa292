//! Getting a statement of keys, and taking what is remembered where there is none.

use super::keys::TrustedKeys;
use super::memory::Memory;
use super::statement::{KeyStatement, MAX_STATEMENT_BYTES, STATEMENT};
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::library::address::Address;
use crate::library::catalog::key::{Mismatch, PublicKey};
use crate::library::catalog::limits::MAX_SIGNATURE_BYTES;
use crate::library::download::client::{Downloader, SIGNATURE};

/// Gets the statement at `address`, signed with the pinned key; none where there is none, or one of another publisher's.
///
/// Whoever may write there could as well remove it, so that nothing is lost by taking a page of the server's own, or another root's
/// statement, for none: what is remembered counts then, or the pinned key alone.
///
/// # Errors
/// [`Error::Network`]; [`Error::Untrusted`] where it is the pinned key's and damaged; [`Error::Cancelled`].
pub(crate) fn fetch(
    downloader: &Downloader,
    address: &Address,
    pinned: &PublicKey,
    cancel: &CancelToken,
) -> Result<Option<KeyStatement>> {
    let get = || {
        // The signature first: where there is none, which is the usual case, that is all that is asked for.
        let signature = address.with_ending(SIGNATURE)?;
        let Some(signature) = downloader.small_if_there(&signature, MAX_SIGNATURE_BYTES, cancel)? else {
            return Ok(None);
        };
        let Some(json) = downloader.small_if_there(address, MAX_STATEMENT_BYTES, cancel)? else { return Ok(None) };
        read(&address.shown(), &json, &String::from_utf8_lossy(&signature), pinned)
    };
    match get() {
        // It may have been published anew between the two requests.
        Err(Error::Untrusted { .. }) => get(),
        other => other,
    }
}

/// A statement of the pinned key's; none of other keys'.
pub(crate) fn read(what: &str, json: &[u8], signature: &str, pinned: &PublicKey) -> Result<Option<KeyStatement>> {
    match pinned.check(json, signature) {
        Err(Mismatch::OtherKey | Mismatch::NoSignature) => {
            log::debug!("{what} is no statement of the pinned key's");
            Ok(None)
        }
        _ => KeyStatement::verify(what, json, signature, pinned).map(Some),
    }
}

/// The keys that count by what is remembered. `now` is in seconds since 1970 (UTC).
///
/// # Errors
/// [`Error::Untrusted`] where the newest statement that was seen has expired.
pub(crate) fn counting(memory: &Memory, pinned: &PublicKey, now: u64) -> Result<TrustedKeys> {
    match memory.statement(pinned.base64()) {
        None => Ok(TrustedKeys::pinned(pinned)),
        Some(statement) => {
            statement.check_fresh(STATEMENT, now)?;
            TrustedKeys::stated(pinned, statement)
        }
    }
}
