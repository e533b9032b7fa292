//! What is told to every open page as it happens.

use serde::Serialize;
use tokio::sync::broadcast;

use crate::id::Id;
use crate::job::Progress;

/// Events that a page may be behind; one that is further behind is told to look at everything again.
const HELD: usize = 256;

/// What happened.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase", tag = "event")]
pub(crate) enum Event {
    /// Something changed: ask for it again.
    Changed {
        /// Of what: `subjects`, `jobs`, `gallery` or `publishing`.
        what: Topic,
    },
    /// A job is further.
    Progress {
        /// Which one.
        job: Id,
        /// How far it is.
        progress: Progress,
    },
    /// The studio is being closed.
    Closing,
}

/// What a page shows a list of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Topic {
    Subjects,
    Jobs,
    Gallery,
    Publishing,
}

/// Where events are told, and heard.
#[derive(Debug, Clone)]
pub(crate) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(HELD).0)
    }

    /// Tells every page; nobody has to be listening.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.0.send(event);
    }

    pub(crate) fn changed(&self, what: Topic) {
        self.tell(Event::Changed { what });
    }

    /// Events from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
