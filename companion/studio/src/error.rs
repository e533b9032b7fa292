//! What can go wrong in the studio, as a browser is told it.

use std::path::Path;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Who asked may not; the page of this machine's own user may.
    #[error("{reason}")]
    Forbidden {
        /// What is wrong with the request.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// Something of that name is not there.
    #[error("there is no {what} here")]
    Unknown {
        /// What was asked for, as "photo `p3`".
        what: String,
    },
    /// What was asked for cannot be done as it was asked.
    #[error("{reason}")]
    Request {
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// What was sent is too long.
    #[error("{what} is longer than {most} MB")]
    TooLong {
        /// What was sent.
        what: &'static str,
        /// The most, in megabytes.
        most: usize,
    },
    /// A thread of the server was lost.
    #[error("the studio could not finish: {0}")]
    Lost(String),
    /// Pictures, packs, drawing.
    #[error(transparent)]
    Core(#[from] cones_core::Error),
    /// Finding.
    #[error(transparent)]
    Find(#[from] cones_find::Error),
    /// Keys and published folders.
    #[error(transparent)]
    Publish(#[from] cones_publish::Error),
}

impl Error {
    /// What to do about it, apart from what went wrong; none where that says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Forbidden { hint, .. } => Some(hint),
            Self::Request { hint, .. } => Some(hint).filter(|hint| !hint.is_empty()).map(String::as_str),
            Self::Unknown { .. } => Some("it may have been removed in another window; reload the page"),
            Self::TooLong { .. } => Some("send a smaller one"),
            Self::Lost(_) => Some("try again; if it happens again, start the studio anew"),
            Self::Core(error) => error.hint(),
            Self::Find(error) => error.hint(),
            Self::Publish(error) => error.hint(),
        }
    }

    /// Whether it is no fault at all: the work was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Core(error) => error.is_cancelled(),
            Self::Find(error) => error.is_cancelled(),
            Self::Publish(error) => error.is_cancelled(),
            _ => false,
        }
    }

    /// A request that cannot be carried out.
    pub(crate) fn request(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Request { reason: reason.into(), hint: hint.into() }
    }

    /// Something that is not there.
    pub(crate) fn unknown(what: &str, name: impl std::fmt::Display) -> Self {
        Self::Unknown { what: format!("{what} `{name}`") }
    }

    /// A fault of a file, for use in `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let error = cones_core::Error::io(action, path);
        move |source| Self::Core(error(source))
    }
}
