//! What can go wrong with keys, published folders and their server.

use std::net::SocketAddr;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a key could not be had, or something not be published or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was found out, in a sentence; what to do about it stands in it.
    #[error("{0}")]
    Refused(String),
    /// Nobody can be served at an address.
    #[error("cannot listen at {address}: {reason}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: String,
    },
    /// Files, packs, bundles, catalogues.
    #[error(transparent)]
    Core(#[from] cones_core::Error),
    /// Sockets.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// What to do about it, apart from what went wrong; none where that says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Core(error) => error.hint(),
            Self::Address { .. } => Some("take another port or address"),
            Self::Refused(_) | Self::Io(_) => None,
        }
    }

    /// Whether it is no fault at all: the work was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Core(error) if error.is_cancelled())
    }
}

impl From<String> for Error {
    fn from(reason: String) -> Self {
        Self::Refused(reason)
    }
}

/// Errors of libraries that nobody acts upon: their words are what is shown.
macro_rules! in_words {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Refused(error.to_string())
            }
        })*
    };
}

in_words!(minisign::PError, serde_json::Error);
