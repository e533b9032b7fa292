//! What a queue shows.

use cones_core::queue::QueueState as Core;

use crate::{CallbackError, ConesError, GenerateProgress, RefusedPicture, Timings};

/// How far a request of a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum QueueState {
    /// It waits for its turn.
    Waiting,
    /// It is being drawn.
    Drawing,
    /// It is drawn. Single pictures may have been refused as not safe.
    Done,
    /// It is drawn, and nobody gets any of its pictures: none is safe.
    Refused,
    /// It could not be drawn, or not to the end; `QueueEntry.failure` says why. The others go on.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// One request of a queue.
#[derive(Debug, Clone, uniffi::Record)]
pub struct QueueEntry {
    /// Its id.
    pub id: u64,
    /// What is to be drawn, as it was asked for.
    pub prompt: String,
    /// How far it is.
    pub state: QueueState,
    /// How many pictures it asks for.
    pub pictures: u32,
    /// How many are drawn, without those that were refused.
    pub drawn: u32,
    /// How many of these nobody took yet.
    pub ready: u32,
    /// While it is being drawn: what was told last, with the last preview that came.
    pub progress: Option<GenerateProgress>,
    /// Why it failed.
    pub failure: Option<ConesError>,
    /// Pictures that were refused as not safe.
    pub refused: Vec<RefusedPicture>,
    /// What a person may want to know, once it is drawn.
    pub warnings: Vec<String>,
    /// Where the time went, once it is drawn.
    pub timings: Option<Timings>,
}

/// Everything that is in a queue, at one moment.
#[derive(Debug, Clone, uniffi::Record)]
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

/// Watches a queue, on a thread of its own: time spent here delays no picture.
#[uniffi::export(rust, foreign)]
pub trait QueueListener: Send + Sync {
    /// The list as it is now, first when the queue is opened. Of changes that come while this runs the last is told, which holds what
    /// the others did. The queue may be used from here, `wait` apart. What is thrown is dropped.
    fn on_change(&self, list: QueueList) -> Result<(), CallbackError>;
}

impl From<&cones_core::queue::QueueList> for QueueList {
    fn from(list: &cones_core::queue::QueueList) -> Self {
        Self {
            entries: list.entries.iter().map(QueueEntry::from).collect(),
            paused: list.paused,
            full: list.full,
            revision: list.revision,
        }
    }
}

impl From<&cones_core::queue::QueueEntry> for QueueEntry {
    fn from(entry: &cones_core::queue::QueueEntry) -> Self {
        let mut progress = entry.progress.as_deref().map(GenerateProgress::from);
        if let Some(progress) = &mut progress {
            progress.preview = entry.preview.as_deref().map(Into::into);
        }
        let failure = if let Core::Failed(error) = &entry.state { Some(ConesError::from(&**error)) } else { None };
        Self {
            id: entry.id.number(),
            prompt: entry.prompt.to_string(),
            state: match entry.state {
                Core::Waiting => QueueState::Waiting,
                Core::Drawing => QueueState::Drawing,
                Core::Done => QueueState::Done,
                Core::Refused => QueueState::Refused,
                Core::Cancelled => QueueState::Cancelled,
                // And whatever is added: an end that this version cannot name.
                _ => QueueState::Failed,
            },
            pictures: entry.pictures,
            drawn: entry.drawn,
            ready: entry.ready,
            progress,
            failure,
            refused: entry.refused.iter().copied().map(RefusedPicture::from).collect(),
            warnings: entry.warnings.to_vec(),
            timings: entry.timings.as_ref().map(Timings::from),
        }
    }
}
