//! Stopping a running generation from another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ort::session::RunOptions;

use crate::{Error, Result};

/// Asks a generation to stop. Clones share one flag; a token that was cancelled stays so.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Default)]
struct Inner {
    cancelled: AtomicBool,
    /// The ONNX Runtime call in progress, if any, so that it stops between two nodes.
    running: Mutex<Option<Arc<RunOptions>>>,
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

    /// Stops the generation that holds this token, inside its current step.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        if let Some(options) = self.0.running.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            // If this fails, the flag still stops the generation at its next step.
            let _ = options.terminate();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
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
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&options));
        // A cancel between the check above and here found nothing to terminate.
        let result = self.check().and_then(|()| call(&options));
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
        match result {
            Err(_) if self.is_cancelled() => Err(Error::Cancelled),
            other => other,
        }
    }
}
