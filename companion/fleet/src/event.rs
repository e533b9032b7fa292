//! What a worker tells while it works.

use std::fmt;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A subject was claimed; `attempt` counts from 1.
    Started {
        /// Its name.
        name: String,
        /// Which claim of it this is.
        attempt: u32,
    },
    /// A subject has its pack.
    Done {
        /// Its name.
        name: String,
        /// Seconds it took this worker.
        seconds: f64,
        /// Lines with a result, as far as this worker knows.
        known: usize,
        /// All lines.
        of: usize,
    },
    /// A line came to nothing.
    Failed {
        /// Its name, or its number where it has none.
        name: String,
        /// Why.
        reason: String,
    },
    /// Another worker has the subject now.
    Lost {
        /// Its name.
        name: String,
    },
    /// The store failed; the subject is left to whoever can.
    Faulted {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// What subjects of a class share is being made.
    Sharing {
        /// The class.
        class: String,
    },
    /// All that is left is in other workers' hands.
    Waiting {
        /// So many subjects.
        left: usize,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { name, attempt: 1 } => write!(f, "{name}: started"),
            Self::Started { name, attempt } => write!(f, "{name}: taken over, attempt {attempt}"),
            Self::Done { name, seconds, known, of } => write!(f, "{name}: done in {seconds:.1} s ({known} of {of})"),
            Self::Failed { name, reason } => write!(f, "{name}: failed: {reason}"),
            Self::Lost { name } => write!(f, "{name}: lost to another worker"),
            Self::Faulted { name, reason } => write!(f, "{name}: put off: {reason}"),
            Self::Sharing { class } => write!(f, "drawing what subjects of the class {class} share"),
            Self::Waiting { left } => write!(f, "waiting for other workers: {left} left"),
        }
    }
}

/// Is told of events.
pub type Tell = std::sync::Arc<dyn Fn(&Event) + Send + Sync>;
