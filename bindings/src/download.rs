//! Progress of a download, on the host's listener.

use std::sync::Arc;

use cones_core::library::download::{Received, Watch};

use crate::{CallbackError, ConesError};

/// How far a download is.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DownloadProgress {
    /// The file under way.
    pub name: String,
    /// Bytes that are there, those of earlier attempts included.
    pub bytes: u64,
    /// Bytes of all files together.
    pub total: u64,
}

/// Listens to a download, on the thread that called, at most a few times a second.
#[uniffi::export(rust, foreign)]
pub trait DownloadListener: Send + Sync {
    /// More has come. Throwing stops the download with `ListenerFailed`; what came so far is kept.
    fn on_received(&self, progress: DownloadProgress) -> Result<(), CallbackError>;
}

/// Hands progress on to the host, and stops the download when the host fails.
pub(crate) struct Relay {
    listener: Option<Arc<dyn DownloadListener>>,
    stop: cones_core::CancelToken,
    failure: Option<CallbackError>,
}

impl Relay {
    pub(crate) fn new(listener: Option<Arc<dyn DownloadListener>>, stop: cones_core::CancelToken) -> Self {
        Self { listener, stop, failure: None }
    }

    /// What the call came to: the host's own failure before all else, for it is why the rest ended.
    pub(crate) fn outcome<T>(self, result: cones_core::Result<T>) -> Result<T, ConesError> {
        match self.failure {
            Some(failure) => Err(ConesError::listener(&failure)),
            None => Ok(result?),
        }
    }
}

impl Watch for Relay {
    fn received(&mut self, received: Received<'_>) {
        let (Some(listener), None) = (&self.listener, &self.failure) else { return };
        let progress = DownloadProgress { name: received.name.into(), bytes: received.bytes, total: received.total };
        if let Err(failure) = listener.on_received(progress) {
            self.stop.cancel();
            self.failure = Some(failure);
        }
    }
}
