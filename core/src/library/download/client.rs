//! The client, and what it trusts.

use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, parse_pem};

use crate::error::{Error, Result};

use super::limits::Limits;

/// What a detached signature's URL has behind that of the file.
pub(crate) const SIGNATURE: &str = ".minisig";

/// An HTTP client with this project's rules: HTTPS only, except to loopback and, in numbers, the local network; limits; retries; resume.
///
/// Redirects are followed within the same rules. Certificates are checked against Mozilla's roots, which are compiled
/// in, or against [your own](Self::with_roots). On desktops, the usual `HTTPS_PROXY` and `NO_PROXY` count. URLs that hold a user name or password are refused,
/// and queries are never shown.
#[derive(Debug, Default, Clone)]
pub struct Downloader {
    pub(super) limits: Limits,
    /// Instead of Mozilla's.
    pub(super) roots: Option<Arc<Vec<Certificate<'static>>>>,
}

impl Downloader {
    /// One with the usual limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// One with limits of your own.
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, roots: None }
    }

    /// Trusts servers whose certificates come from these authorities and no others: one or more
    /// certificates in PEM form. For a publisher who runs an authority of their own.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when there is none in it, or one that cannot be read.
    pub fn with_roots(self, pem: &str) -> Result<Self> {
        let bad = |reason: String| Error::request("roots", reason);
        let mut roots = Vec::new();
        for item in parse_pem(pem.as_bytes()) {
            match item.map_err(|error| bad(format!("cannot be read: {error}")))? {
                PemItem::Certificate(certificate) => roots.push(certificate),
                _ => return Err(bad("hold something else than certificates".into())),
            }
        }
        if roots.is_empty() {
            Err(bad("hold no certificate".into()))
        } else {
            Ok(Self { roots: Some(Arc::new(roots)), ..self })
        }
    }
}
