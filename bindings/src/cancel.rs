//! Stopping a call from another thread.

use std::sync::Arc;

/// Stops the calls that were given it. A token that was cancelled stays so: take a new one for each call.
#[derive(Debug, Default, uniffi::Object)]
pub struct CancelToken {
    inner: cones_core::CancelToken,
}

#[uniffi::export]
impl CancelToken {
    /// A token that nobody has cancelled yet.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Stops a generation inside its current step and a download at its next piece. May be called from any thread.
    pub fn cancel(&self) {
        self.inner.cancel();
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.inner.is_cancelled()
    }
}

/// The core's token of a call: the caller's, or one that nobody holds.
pub(crate) fn token(given: Option<Arc<CancelToken>>) -> cones_core::CancelToken {
    given.map_or_else(cones_core::CancelToken::new, |token| token.inner.clone())
}
