//! Why an attempt ended, and whether another one may go better.

use std::io::ErrorKind;
use std::time::Duration;

use crate::error::Error;

/// Why an attempt ended.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may go better later.
    Passing {
        /// What happened, for people.
        reason: String,
        /// How long the server asks to be left alone.
        after: Option<Duration>,
    },
    /// It will not.
    Final(Error),
}

impl Failure {
    /// One that may pass.
    pub(super) fn passing(reason: impl Into<String>) -> Self {
        Self::Passing { reason: reason.into(), after: None }
    }

    /// One of the server's making that trying again does not mend.
    pub(super) fn server(url: String, reason: impl Into<String>) -> Self {
        let hint = "ask its publisher; a network that wants a login first can be the cause as well".into();
        Self::Final(Error::Network { url, reason: reason.into(), hint })
    }

    /// What a transfer's error means. Its own text may hold the whole URL, so only known parts of it are shown.
    pub(super) fn from_transfer(url: String, error: ureq::Error) -> Self {
        match error {
            ureq::Error::Io(error) => match error.kind() {
                // TLS speaks through this kind.
                ErrorKind::InvalidData => Self::insecure(url, error.to_string()),
                ErrorKind::PermissionDenied => Self::forbidden(url),
                ErrorKind::UnexpectedEof => Self::passing("the connection was closed too early"),
                _ => Self::passing(format!("the connection failed: {error}")),
            },
            ureq::Error::Timeout(_) => Self::passing("the server did not answer in time"),
            ureq::Error::HostNotFound => Self::passing("its server's name is not known; is there a connection?"),
            ureq::Error::ConnectionFailed => Self::passing("the connection failed"),
            ureq::Error::ConnectProxyFailed(_) => Self::passing("the proxy did not connect"),
            ureq::Error::Tls(reason) => Self::insecure(url, reason),
            ureq::Error::Rustls(error) => Self::insecure(url, error.to_string()),
            ureq::Error::LargeResponseHeader(..) => Self::server(url, "the head of its answer does not end"),
            ureq::Error::Protocol(error) => Self::server(url, format!("the answer is not HTTP: {error}")),
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => Self::server(url, "it cannot be asked for"),
            ureq::Error::InvalidProxyUrl => Self::server(url, "the proxy's URL is none"),
            _ => Self::server(url, "the transfer failed"),
        }
    }

    fn forbidden(url: String) -> Self {
        let hint =
            "on Android the app's manifest must ask for the permission `INTERNET`; elsewhere look at the firewall";
        Self::Final(Error::Network {
            url,
            reason: "the system does not let this program connect".into(),
            hint: hint.into(),
        })
    }

    fn insecure(url: String, reason: impl std::fmt::Display) -> Self {
        let hint = "check the date and time of this device, and whether its network wants a login first".into();
        Self::Final(Error::Network { url, reason: format!("no secure connection: {reason}"), hint })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}
