//! What ends a worker. What ends one subject only is a failed result instead.

use std::path::Path;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a worker cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A URL or path names no place that is known.
    #[error("`{place}` {reason}")]
    Place {
        /// What was given.
        place: String,
        /// What is wrong, as a predicate.
        reason: String,
    },
    /// The store did not do what it was asked for.
    #[error("{what} `{name}`")]
    Store {
        /// What was being done, as `reading`.
        what: &'static str,
        /// The object or folder.
        name: String,
        /// What the store says.
        source: Box<object_store::Error>,
    },
    /// The place holds another run.
    #[error("`{place}` holds the run of {reason}")]
    OtherRun {
        /// The place.
        place: String,
        /// What differs.
        reason: String,
    },
    /// An object, or the manifest as a whole, is not what it should be.
    #[error("`{name}` {reason}")]
    Content {
        /// The object.
        name: String,
        /// What is wrong, as a predicate.
        reason: String,
    },
    /// Finding failed for a reason that lies in this machine, as too little memory.
    #[error(transparent)]
    Find(#[from] cones_find::Error),
    /// The runtime's own error, as of files.
    #[error(transparent)]
    Core(#[from] cones_core::Error),
}

impl Error {
    /// What to do about it; none where the error says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Place { .. } => {
                Some("a folder, or a URL as s3://BUCKET/PATH, gs://…, az://CONTAINER/PATH, file:///…")
            }
            Self::Store { source, .. } => match source.as_ref() {
                object_store::Error::NotFound { .. } => None,
                _ => Some(
                    "credentials and endpoints come from the environment, as AWS_ACCESS_KEY_ID, AWS_REGION and AWS_ENDPOINT, \
                     GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME",
                ),
            },
            Self::OtherRun { .. } => Some("give each base model an --out of its own"),
            Self::Core(error) => error.hint(),
            Self::Find(error) => error.hint(),
            Self::Content { .. } => None,
        }
    }

    /// Whether there is no such object.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Store { source, .. } if matches!(**source, object_store::Error::NotFound { .. }))
    }

    pub(crate) fn store(what: &'static str, name: &str) -> impl FnOnce(object_store::Error) -> Self {
        let name = name.to_owned();
        move |source| Self::Store { what, name, source: Box::new(source) }
    }

    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let error = cones_core::Error::io(what, path);
        move |source| Self::Core(error(source))
    }

    pub(crate) fn place(place: &str, reason: impl Into<String>) -> Self {
        Self::Place { place: place.to_owned(), reason: reason.into() }
    }

    pub(crate) fn content(name: &str, reason: impl Into<String>) -> Self {
        Self::Content { name: name.to_owned(), reason: reason.into() }
    }
}
