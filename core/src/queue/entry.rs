//! What a queue shows.

use std::fmt;
use std::sync::Arc;

use crate::engine::outcome::{Refused, Timings};
use crate::error::Error;
use crate::picture::Picture;
use crate::progress::Progress;

/// Names a request of a queue. They count up from 1 in the order of adding; none is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(u64);

impl QueueId {
    /// The id of this number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a request is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum QueueState {
    /// It waits for its turn.
    Waiting,
    /// It is being drawn.
    Drawing,
    /// It is drawn. Single pictures may have been refused as not safe.
    Done,
    /// It is drawn, and nobody gets any of its pictures: none is safe.
    Refused,
    /// It could not be drawn, or not to the end. The others go on.
    Failed(Arc<Error>),
    /// Somebody stopped it.
    Cancelled,
}

impl QueueState {
    /// Whether nothing comes any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Drawing)
    }
}

/// One request in the list. Cheap to clone.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QueueEntry {
    /// Its id.
    pub id: QueueId,
    /// What is to be drawn, as it was asked for.
    pub prompt: Arc<str>,
    /// How far it is.
    pub state: QueueState,
    /// How many pictures it asks for.
    pub pictures: u32,
    /// How many are drawn, without those that were refused.
    pub drawn: u32,
    /// How many of these nobody took yet.
    pub ready: u32,
    /// The last that was told while it is being drawn, its preview apart.
    pub progress: Option<Arc<Progress>>,
    /// The last preview while it is being drawn.
    pub preview: Option<Arc<Picture>>,
    /// Pictures that were refused as not safe.
    pub refused: Vec<Refused>,
    /// What the person may want to know, such as a cut prompt, once it is drawn.
    pub warnings: Arc<[String]>,
    /// Where the time went, once it is drawn.
    pub timings: Option<Timings>,
}

impl QueueEntry {
    pub(super) fn new(id: QueueId, prompt: &str, pictures: u32) -> Self {
        Self {
            id,
            prompt: prompt.into(),
            state: QueueState::Waiting,
            pictures,
            drawn: 0,
            ready: 0,
            progress: None,
            preview: None,
            refused: Vec::new(),
            warnings: Arc::default(),
            timings: None,
        }
    }
}

/// Everything that is in a queue, at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QueueList {
    /// What is over in the order in which it ended, what is being drawn, and what waits in its order.
    pub entries: Vec<QueueEntry>,
    /// Whether no further request begins.
    pub paused: bool,
    /// Whether nothing goes on until pictures are taken or their entries removed.
    pub full: bool,
    /// Grows with each change.
    pub revision: u64,
}
