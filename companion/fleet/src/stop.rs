//! Asking workers to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// Asks workers to put away what they have and stop. Clones share one flag, which stays set.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Sets the flag.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Whether the flag is set.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the flag is set.
    pub async fn asked(&self) {
        // An error says that nobody can set it any more, and this one can.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}
