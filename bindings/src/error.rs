//! One error for every call: its kind is what a caller can act on.

use cones_core::Error;

/// What went wrong. Every kind tells `reason` (one sentence), `details` (which file, field, byte or URL; may be empty)
/// and `hint` (what to do; may be empty).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ConesError {
    /// A base model is missing, damaged or of a kind this version does not read. Install it again.
    #[error("bad bundle: {reason} ({details})")]
    BadBundle {
        /// What is wrong.
        reason: String,
        /// The file or folder.
        details: String,
        /// What to do.
        hint: String,
    },
    /// A subject pack is damaged or of a kind this version does not read. Get it again.
    #[error("bad pack: {reason} ({details})")]
    BadPack {
        /// What is wrong.
        reason: String,
        /// The pack and, where it is known, the byte.
        details: String,
        /// What to do.
        hint: String,
    },
    /// A folder of packs or bundles was made by a newer version. Update, or use another folder.
    #[error("bad store: {reason} ({details})")]
    BadStore {
        /// What is wrong.
        reason: String,
        /// The folder.
        details: String,
        /// What to do.
        hint: String,
    },
    /// Something signed is not to be trusted. Nothing of it was used.
    #[error("not trusted: {reason} ({details})")]
    Untrusted {
        /// Why not.
        reason: String,
        /// The URL or file.
        details: String,
        /// What to do.
        hint: String,
    },
    /// A download failed. What came so far is kept and resumed.
    #[error("network: {reason} ({details})")]
    Network {
        /// What went wrong.
        reason: String,
        /// The URL, without query and credentials.
        details: String,
        /// What to do.
        hint: String,
    },
    /// There is not enough room on the device. Nothing was changed.
    #[error("out of space: {reason} ({details})")]
    OutOfSpace {
        /// How much is missing.
        reason: String,
        /// The folder.
        details: String,
        /// What to do.
        hint: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        available: u64,
    },
    /// A request takes more memory than there is. Nothing was loaded.
    #[error("out of memory: {reason}")]
    OutOfMemory {
        /// How much is missing.
        reason: String,
        /// Empty.
        details: String,
        /// What would fit.
        hint: String,
        /// Bytes needed in the most sparing way that the memory mode allows.
        needed: u64,
        /// The budget, or the bytes that the system says there are.
        available: u64,
    },
    /// No pack or bundle of that name is installed, or in the catalogue.
    #[error("not found: {reason} ({details})")]
    NotFound {
        /// What is not there.
        reason: String,
        /// The name.
        details: String,
        /// What to do.
        hint: String,
    },
    /// A pack was made for another base model than the one that is open.
    #[error("wrong model: {reason} ({details})")]
    WrongModel {
        /// What differs.
        reason: String,
        /// The subject.
        details: String,
        /// What to do.
        hint: String,
    },
    /// A request cannot be carried out as written; another value may work.
    #[error("bad request: {details} {reason}")]
    BadRequest {
        /// What is wrong with the value.
        reason: String,
        /// The field.
        details: String,
        /// What to do.
        hint: String,
    },
    /// The provider asked for cannot be had here.
    #[error("provider unavailable: {reason} ({details})")]
    ProviderUnavailable {
        /// Why not.
        reason: String,
        /// Its name.
        details: String,
        /// What to do.
        hint: String,
    },
    /// ONNX Runtime's library was not found or cannot be used.
    #[error("ONNX Runtime is missing: {reason}")]
    RuntimeMissing {
        /// What was tried and what came of it.
        reason: String,
        /// Empty.
        details: String,
        /// What to do.
        hint: String,
    },
    /// ONNX Runtime failed while doing something.
    #[error("ONNX Runtime failed while {details}: {reason}")]
    RuntimeFailed {
        /// Its own message.
        reason: String,
        /// What was being done.
        details: String,
        /// What to do.
        hint: String,
    },
    /// A file could not be read or written.
    #[error("file: {reason} ({details})")]
    Io {
        /// What was tried and the system's reason.
        reason: String,
        /// The file.
        details: String,
        /// What to do.
        hint: String,
    },
    /// A picture could not be decoded or encoded, or does not hold what was looked for.
    #[error("picture: {reason} ({details})")]
    BadPicture {
        /// What is wrong.
        reason: String,
        /// The file.
        details: String,
        /// What to do.
        hint: String,
    },
    /// The caller cancelled. Everything stays usable.
    #[error("cancelled")]
    Cancelled {
        /// That it was cancelled.
        reason: String,
        /// Empty.
        details: String,
        /// Empty.
        hint: String,
    },
    /// The host's listener threw. The call was stopped and everything stays usable.
    #[error("the listener failed: {reason}")]
    ListenerFailed {
        /// What it threw.
        reason: String,
        /// Empty.
        details: String,
        /// What to do.
        hint: String,
    },
    /// A listener called the engine that is calling it, or another program has had a store's folder locked for too long.
    #[error("busy: {reason}")]
    Busy {
        /// What is going on.
        reason: String,
        /// The lock's file, of a store; else empty.
        details: String,
        /// What to do.
        hint: String,
    },
    /// `initialize` was called before.
    #[error("already initialized: {reason}")]
    AlreadyInitialized {
        /// What was done before.
        reason: String,
        /// Empty.
        details: String,
        /// What to do.
        hint: String,
    },
    /// A kind that this version of the bindings does not know.
    #[error("{reason}")]
    Other {
        /// The whole text.
        reason: String,
        /// Empty.
        details: String,
        /// Empty.
        hint: String,
    },
}

impl From<Error> for ConesError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for ConesError {
    fn from(error: &Error) -> Self {
        let hint = error.hint().unwrap_or_default().to_owned();
        match error {
            Error::BadBundle { path, reason, .. } => {
                Self::BadBundle { reason: reason.clone(), details: path.display().to_string(), hint }
            }
            Error::BadPack { pack, reason, at, .. } => {
                let details = at.map_or_else(|| pack.clone(), |at| format!("{pack}, at byte {at}"));
                Self::BadPack { reason: reason.clone(), details, hint }
            }
            Error::BadStore { path, reason, .. } => {
                Self::BadStore { reason: reason.clone(), details: path.display().to_string(), hint }
            }
            Error::Busy { path, seconds, .. } => Self::Busy {
                reason: format!("another program has it locked, for {seconds} s already"),
                details: path.display().to_string(),
                hint,
            },
            Error::Untrusted { what, reason, .. } => {
                Self::Untrusted { reason: reason.clone(), details: what.clone(), hint }
            }
            Error::Network { url, reason, .. } => Self::Network { reason: reason.clone(), details: url.clone(), hint },
            Error::OutOfSpace { path, needed, available, .. } => Self::OutOfSpace {
                reason: format!("{needed} bytes are needed, {available} are free"),
                details: path.display().to_string(),
                hint,
                needed: *needed,
                available: *available,
            },
            Error::OutOfMemory { needed, available, .. } => Self::OutOfMemory {
                reason: format!("{needed} bytes are needed, {available} are there"),
                details: String::new(),
                hint,
                needed: *needed,
                available: *available,
            },
            Error::NotFound { name, place, .. } => {
                Self::NotFound { reason: format!("no `{name}` {place}"), details: name.clone(), hint }
            }
            Error::WrongModel { subject, reason, .. } => {
                Self::WrongModel { reason: reason.clone(), details: subject.clone(), hint }
            }
            Error::BadRequest { field, reason, .. } => {
                Self::BadRequest { reason: reason.clone(), details: (*field).into(), hint }
            }
            Error::ProviderUnavailable { provider, reason, .. } => {
                Self::ProviderUnavailable { reason: reason.clone(), details: (*provider).into(), hint }
            }
            Error::RuntimeMissing { reason, .. } => {
                Self::RuntimeMissing { reason: reason.clone(), details: String::new(), hint }
            }
            Error::NotFinite { graph, step, .. } => Self::RuntimeFailed {
                reason: "numbers that are not finite came".into(),
                details: step
                    .map_or_else(|| format!("running `{graph}`"), |step| format!("running `{graph}`, step {step}")),
                hint,
            },
            Error::Runtime { stage, reason, .. } => {
                Self::RuntimeFailed { reason: reason.clone(), details: stage.clone(), hint }
            }
            Error::Io { action, path, source, .. } => {
                Self::Io { reason: format!("cannot {action} it: {source}"), details: path.display().to_string(), hint }
            }
            Error::Picture { path, reason, .. } => {
                Self::BadPicture { reason: reason.clone(), details: path.display().to_string(), hint }
            }
            Error::Cancelled => Self::cancelled(),
            // `Error` may grow: what is new there crosses as text until it gets a kind here.
            other => Self::Other { reason: other.to_string(), details: String::new(), hint },
        }
    }
}

impl ConesError {
    /// What a call that its token stopped ends with.
    pub(crate) fn cancelled() -> Self {
        Self::Cancelled { reason: "cancelled".into(), details: String::new(), hint: String::new() }
    }

    pub(crate) fn listener(error: &crate::CallbackError) -> Self {
        Self::ListenerFailed {
            reason: error.to_string(),
            details: String::new(),
            hint: "mend the listener; nothing that it throws is ignored".into(),
        }
    }

    pub(crate) fn busy() -> Self {
        Self::Busy {
            reason: "the engine is drawing and called this listener; it cannot draw for it at the same time".into(),
            details: String::new(),
            hint: "let the listener return first, and draw afterwards".into(),
        }
    }
}
