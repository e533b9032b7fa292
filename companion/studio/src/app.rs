//! What every handler is given, and how it reads what was sent.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::guard::Guard;
use crate::id::Id;
use crate::studio::Studio;

/// The studio, and who may ask it.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) studio: Arc<Studio>,
    pub(crate) guard: Arc<Guard>,
}

/// What was sent, where it was not too long.
pub(crate) type Sent = std::result::Result<Bytes, BytesRejection>;

/// The bytes that were sent.
pub(crate) fn bytes(sent: Sent, what: &'static str, most: usize) -> Result<Bytes> {
    sent.map_err(|_| Error::TooLong { what, most: most >> 20 })
}

/// The JSON that was sent.
pub(crate) fn json<T: DeserializeOwned>(sent: Sent) -> Result<T> {
    let bytes = bytes(sent, "the request", JSON)?;
    let wrong =
        |error: serde_json::Error| Error::request(format!("the request is no such JSON: {error}"), "see API.md");
    serde_json::from_slice(&bytes).map_err(wrong)
}

/// Bytes of JSON that are read.
pub(crate) const JSON: usize = 1 << 20;

/// The name of something, as it stands in an address.
pub(crate) fn id(kind: char, what: &str, text: &str) -> Result<Id> {
    Id::parse(kind, text).ok_or_else(|| Error::unknown(what, text.escape_debug()))
}
