//! The bounds of a queue.

use crate::error::{Error, Result};

/// How a queue runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueOptions {
    /// Entries in the list, 1000 by default. Where there are so many, the oldest that are over and have no picture left are
    /// forgotten for a new one; if there is none, the new one is refused.
    pub most_entries: usize,
    /// Bytes of pixels that nobody took, 256 MiB by default: from there on the queue draws no further picture until some are taken,
    /// or their entries removed. It passes that by one picture at most.
    pub most_bytes: u64,
    /// A preview with every so many steps, where a request says nothing of it; 0, the default, for none.
    pub preview_every: u32,
    /// Begins [paused](super::Queue::pause).
    pub paused: bool,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { most_entries: 1000, most_bytes: 256 << 20, preview_every: 0, paused: false }
    }
}

impl QueueOptions {
    /// Holds so many entries.
    #[must_use]
    pub fn with_most_entries(mut self, entries: usize) -> Self {
        self.most_entries = entries;
        self
    }

    /// Holds so many bytes of pictures that nobody took.
    #[must_use]
    pub fn with_most_bytes(mut self, bytes: u64) -> Self {
        self.most_bytes = bytes;
        self
    }

    /// Shows a preview with every so many steps.
    #[must_use]
    pub fn with_preview_every(mut self, steps: u32) -> Self {
        self.preview_every = steps;
        self
    }

    /// Begins paused.
    #[must_use]
    pub fn with_paused(mut self, paused: bool) -> Self {
        self.paused = paused;
        self
    }

    pub(super) fn checked(self) -> Result<Self> {
        if self.most_entries == 0 {
            return Err(Error::request("most_entries", "is 0; a queue holds at least one request"));
        }
        if self.most_bytes == 0 {
            return Err(Error::request("most_bytes", "is 0; leave it out to let the queue hold 256 MiB of pictures"));
        }
        Ok(self)
    }
}
