//! One error enum, by what a caller can do about it.

use std::path::{Path, PathBuf};

/// Shorthand for this crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, and what to do about it.
///
/// Displayed it is one line without its [source](std::error::Error::source) and without its [`hint`](Error::hint).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A bundle is missing, damaged or of a kind this version does not read. Install it again.
    #[error("bad bundle `{}`: {reason}", path.display())]
    #[non_exhaustive]
    BadBundle {
        /// The file or folder at fault.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A subject pack is damaged, hostile, or of a kind this version does not read. Get it again.
    #[error("bad pack `{pack}`: {reason}{}", at.map_or(String::new(), |at| format!(", at byte {at}")))]
    #[non_exhaustive]
    BadPack {
        /// Its file or, where that is known, its name.
        pack: String,
        /// Which part is wrong and how.
        reason: String,
        /// The byte at which that was seen, counted from the start of the file.
        at: Option<u64>,
        /// What to do.
        hint: String,
    },
    /// The folder of a store cannot be used by this version.
    #[error("bad store `{}`: {reason}", path.display())]
    #[non_exhaustive]
    BadStore {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// Another program has had the folder of a store locked for longer than any change takes. Nothing was changed.
    #[error("busy `{}`: another program has it locked, for {seconds} s already", path.display())]
    #[non_exhaustive]
    Busy {
        /// The lock's file.
        path: PathBuf,
        /// For how long it was waited for.
        seconds: u64,
    },
    /// Something signed is not to be trusted: a wrong signature, another publisher, an expired or older catalogue.
    /// Nothing of it was used.
    #[error("not trusted `{what}`: {reason}")]
    #[non_exhaustive]
    Untrusted {
        /// The URL or file.
        what: String,
        /// Why not.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A download failed. What came so far is kept where it can be resumed.
    #[error("cannot download `{url}`: {reason}")]
    #[non_exhaustive]
    Network {
        /// What was asked for, without query and credentials.
        url: String,
        /// What went wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// There is not enough room on the device. Nothing was changed.
    #[error("not enough space in `{}`: {needed} bytes are needed, {available} are free", path.display())]
    #[non_exhaustive]
    OutOfSpace {
        /// The folder.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        available: u64,
    },
    /// A request takes more memory than there is. Nothing was loaded, or what was is usable still.
    #[error(
        "not enough memory: {} are needed, {} are there",
        crate::units::megabytes(*needed),
        crate::units::megabytes(*available)
    )]
    #[non_exhaustive]
    OutOfMemory {
        /// Bytes that the request takes in the most sparing way that the memory mode allows.
        needed: u64,
        /// The budget, or what the system says there is.
        available: u64,
        /// What would fit.
        hint: String,
    },
    /// No pack or bundle of that name is installed, or in the catalogue.
    #[error("no `{name}` {place}")]
    #[non_exhaustive]
    NotFound {
        /// The name asked for.
        name: String,
        /// Where it was looked for, as "is installed" or "is in the catalogue".
        place: String,
        /// What to do.
        hint: String,
    },
    /// A mask was made for another base model than the one that is open.
    #[error("subject `{subject}` was made for another model: {reason}")]
    #[non_exhaustive]
    WrongModel {
        /// The subject's name.
        subject: String,
        /// What differs.
        reason: String,
    },
    /// The request cannot be carried out as written; another value may work.
    #[error("bad request: `{field}` {reason}")]
    #[non_exhaustive]
    BadRequest {
        /// The field of the request.
        field: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// The execution provider asked for cannot be had here.
    #[error("provider `{provider}` is unavailable: {reason}")]
    #[non_exhaustive]
    ProviderUnavailable {
        /// Its name, as written on the command line.
        provider: &'static str,
        /// Why not.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// ONNX Runtime's library was not found or cannot be used.
    #[error("ONNX Runtime is missing: {reason}")]
    #[non_exhaustive]
    RuntimeMissing {
        /// What was tried and what came of it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// ONNX Runtime failed while doing something.
    #[error("ONNX Runtime failed while {stage}: {reason}")]
    #[non_exhaustive]
    Runtime {
        /// What was being done, as "loading `unet.onnx`".
        stage: String,
        /// ONNX Runtime's own message.
        reason: String,
    },
    /// A graph gave numbers that are none (NaN or infinite), from which no picture comes.
    #[error("`{graph}` gave numbers that are not finite{}", step.map_or(String::new(), |step| format!(" in step {step}")))]
    #[non_exhaustive]
    NotFinite {
        /// The graph's file.
        graph: &'static str,
        /// Which denoising step, from 1; none outside the loop.
        step: Option<u32>,
        /// What to do.
        hint: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} `{}`", path.display())]
    #[non_exhaustive]
    Io {
        /// "read", "write", "create", …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A picture could not be decoded, encoded or does not hold what was looked for.
    #[error("picture `{}`: {reason}", path.display())]
    #[non_exhaustive]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The caller asked to stop. Everything stays usable.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// What to do about it, in a sentence or two that stand apart from what went wrong; none where that says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::BadBundle { hint, .. }
            | Self::BadPack { hint, .. }
            | Self::BadStore { hint, .. }
            | Self::Untrusted { hint, .. }
            | Self::Network { hint, .. }
            | Self::OutOfMemory { hint, .. }
            | Self::NotFound { hint, .. }
            | Self::ProviderUnavailable { hint, .. }
            | Self::RuntimeMissing { hint, .. }
            | Self::NotFinite { hint, .. } => Some(hint),
            Self::Busy { .. } => Some("try again; if it goes on, end the other program"),
            Self::OutOfSpace { .. } => Some("remove packs or bundles that are not needed"),
            Self::WrongModel { .. } => {
                Some("open the base model that the pack was made for, or get the pack for this one")
            }
            Self::BadRequest { .. } => Some("give another value"),
            Self::Runtime { .. } => Some("try provider `cpu`, a smaller picture or the sequential memory mode"),
            Self::Io { .. } => Some("check the path, its permissions and the space"),
            Self::Picture { .. } => Some("give another picture"),
            Self::Cancelled => None,
        }
    }

    /// Whether the caller asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// A bundle's file that is damaged or foreign, with advice of one's own.
    pub fn bad_bundle(path: impl Into<PathBuf>, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::BadBundle { path: path.into(), reason: reason.into(), hint: hint.into() }
    }

    /// A store that another program has locked, and did not give back in so many seconds.
    pub fn busy(path: impl Into<PathBuf>, seconds: u64) -> Self {
        Self::Busy { path: path.into(), seconds }
    }

    /// A name that is not there: `place` says where it was looked for, as "is installed".
    pub fn not_found(name: impl Into<String>, place: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::NotFound { name: name.into(), place: place.into(), hint: hint.into() }
    }

    /// A mask of another base model.
    pub fn wrong_model(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::WrongModel { subject: subject.into(), reason: reason.into() }
    }

    /// A picture that could not be decoded, encoded or does not hold what was looked for.
    pub fn picture(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Picture { path: path.into(), reason: reason.into() }
    }

    /// ONNX Runtime's own words about what it was doing, as "loading `unet.onnx`".
    ///
    /// Where these say that a block of memory was not to be had, it is [`OutOfMemory`](Self::OutOfMemory).
    pub fn onnx_runtime(stage: impl Into<String>, reason: impl Into<String>) -> Self {
        let (stage, reason) = (stage.into(), reason.into());
        match crate::memory::refused::block_refused(&reason) {
            Some(needed) => Self::OutOfMemory {
                needed,
                available: crate::memory::system::available().unwrap_or(0),
                hint: format!(
                    "while {stage}, ONNX Runtime asked for one block of that size: draw a smaller picture, take the memory mode \
                     `least` (`--low-memory`), or end other programs"
                ),
            },
            None => Self::Runtime { stage, reason },
        }
    }

    /// A damaged or foreign bundle file, with the usual advice.
    pub fn bundle(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::BadBundle {
            path: path.into(),
            reason: reason.into(),
            hint: "install the bundle again, or make it anew with `cones import`".into(),
        }
    }

    /// A damaged or foreign pack, with the usual advice.
    pub fn pack(pack: impl Into<String>, at: Option<u64>, reason: impl Into<String>) -> Self {
        let hint = "download it again, or ask its publisher for a whole one".into();
        Self::BadPack { pack: pack.into(), reason: reason.into(), at, hint }
    }

    /// A failed download, with the usual advice.
    pub fn network(url: impl Into<String>, reason: impl Into<String>) -> Self {
        let hint = "check the connection and try again; what came so far is kept".into();
        Self::Network { url: url.into(), reason: reason.into(), hint }
    }

    /// An unusable value in a request.
    pub fn request(field: &'static str, reason: impl Into<String>) -> Self {
        Self::BadRequest { field, reason: reason.into() }
    }

    /// This error of another field of a request, where it is of one.
    pub(crate) fn of_field(self, field: &'static str) -> Self {
        match self {
            Self::BadRequest { reason, .. } => Self::BadRequest { field, reason },
            other => other,
        }
    }

    /// Wraps an I/O error with what was done to which file; for use in `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// Wraps an ONNX Runtime error with what was being done; for use in `map_err`.
    pub(crate) fn runtime<R>(stage: impl Into<String>) -> impl FnOnce(ort::Error<R>) -> Self {
        let stage = stage.into();
        move |error| Self::onnx_runtime(stage, error.message())
    }
}

/// An error and what was behind it, in one line, for people: each source after a colon, but none that the text before holds already.
#[must_use]
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    // A server's answer may be lines long.
    let texts = sources.map(|source| source.to_string().split_whitespace().collect::<Vec<_>>().join(" "));
    texts.fold(error.to_string(), |told, text| if told.contains(&text) { told } else { format!("{told}: {text}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    /// An error of these texts, the last one its deepest source.
    fn chain(texts: &[&'static str]) -> Option<Box<Link>> {
        let (text, deeper) = texts.split_first()?;
        Some(Box::new(Link { text, source: chain(deeper) }))
    }

    #[test]
    fn sources_are_told_once_and_in_one_line() {
        let told = |texts: &[&'static str]| with_sources(&*chain(texts).expect("an error"));
        assert_eq!(told(&["reading `a`"]), "reading `a`");
        assert_eq!(told(&["reading `a`", "no answer", "timed out"]), "reading `a`: no answer: timed out");
        assert_eq!(told(&["reading `a`", "no answer: timed out", "timed out"]), "reading `a`: no answer: timed out");
        assert_eq!(told(&["reading `a`", "it said\n  {\n no }\n"]), "reading `a`: it said { no }");
    }
}
