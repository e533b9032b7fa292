//! ONNX Runtime: its library, its execution providers, and graphs loaded on them.

pub(crate) mod environment;
pub(crate) mod execution_provider;
pub(crate) mod finite;
pub(crate) mod graphs;
#[cfg(not(target_os = "ios"))]
mod library_note;
pub(crate) mod provider;
pub(crate) mod session;
pub(crate) mod threads;

pub use environment::{build_info, use_library, use_library_of};
pub use execution_provider::ExecutionProvider;
pub use threads::most_threads;

/// ONNX Runtime's own types, for crates of this workspace that make sessions themselves. It changes with `ort`, whenever
/// that does: it is no part of what this crate promises to keep.
#[cfg(feature = "raw")]
#[doc(hidden)]
pub mod raw {
    use ort::session::builder::SessionBuilder;

    use super::execution_provider::{ExecutionProvider, ProviderOptions};
    use crate::error::{Error, Result};

    pub use super::environment::environment;

    /// Wraps an ONNX Runtime error with what was being done; for use in `map_err`.
    pub fn failed<R>(stage: impl Into<String>) -> impl FnOnce(ort::Error<R>) -> Error {
        Error::runtime(stage)
    }

    /// Puts a provider into a session's options; `threads` are those inside one node.
    ///
    /// # Errors
    /// [`Error::ProviderUnavailable`](crate::Error::ProviderUnavailable).
    pub fn register(
        provider: ExecutionProvider,
        threads: Option<usize>,
        builder: SessionBuilder,
    ) -> Result<SessionBuilder> {
        provider.register(&ProviderOptions { threads, cache: None }, builder)
    }
}
