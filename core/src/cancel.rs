//! Stopping a running generation from another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ort::session::RunOptions;

use crate::error::{Error, Result};

/// Asks a generation to stop. Clones share one flag; a token that was cancelled stays so.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Default)]
struct Inner {
    cancelled: AtomicBool,
    /// The ONNX Runtime calls in progress under this token or a child of it, so that they stop between two nodes.
    running: Mutex<Vec<Arc<RunOptions>>>,
    /// A token whose cancelling counts here too.
    parent: Option<CancelToken>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("cancelled", &self.cancelled).finish_non_exhaustive()
    }
}

impl CancelToken {
    /// A token that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that is cancelled with this one, and can be cancelled by itself without touching this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(Arc::new(Inner { parent: Some(self.clone()), ..Inner::default() }))
    }

    /// Stops the generations that hold this token or a child of it, inside their current step.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        for options in self.running().iter() {
            // If this fails, the flag still stops the generation at its next step.
            let _ = options.terminate();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called on this token or one that it is a child of.
    pub fn is_cancelled(&self) -> bool {
        self.lineage().any(|token| token.0.cancelled.load(Ordering::SeqCst))
    }

    /// `Err(Cancelled)` once the token is cancelled.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Runs `call`, which hands the options to ONNX Runtime, so that [`cancel`](Self::cancel) reaches into it.
    ///
    /// # Errors
    /// Those of `call`. A failure after a cancel is [`Error::Cancelled`], whatever ONNX Runtime says: its message for a
    /// terminated run is no contract.
    pub fn guard<T>(&self, call: impl FnOnce(&RunOptions) -> Result<T>) -> Result<T> {
        self.check()?;
        let options = Arc::new(RunOptions::new().map_err(Error::runtime("preparing a run"))?);
        for token in self.lineage() {
            token.running().push(Arc::clone(&options));
        }
        // A cancel between the check above and here found nothing to terminate.
        let result = self.check().and_then(|()| call(&options));
        for token in self.lineage() {
            token.running().retain(|running| !Arc::ptr_eq(running, &options));
        }
        match result {
            Err(_) if self.is_cancelled() => Err(Error::Cancelled),
            other => other,
        }
    }

    /// This token, the one it is a child of, and so on.
    fn lineage(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |token| token.0.parent.as_ref())
    }

    fn running(&self) -> MutexGuard<'_, Vec<Arc<RunOptions>>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_cancelled_with_its_parent_and_not_the_other_way_round() {
        let parent = CancelToken::new();
        let (first, second) = (parent.child(), parent.child().child());
        first.cancel();
        assert!(first.is_cancelled() && !parent.is_cancelled() && !second.is_cancelled());
        parent.cancel();
        assert!(second.is_cancelled());
        assert!(matches!(second.check(), Err(Error::Cancelled)));
    }
}
