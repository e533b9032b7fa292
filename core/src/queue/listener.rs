//! Who watches a queue.

use std::panic::{self, AssertUnwindSafe};

use super::entry::QueueList;
use super::shared::Shared;

/// Watches a queue, on a thread of its own: time spent here delays no picture.
pub trait QueueListener: Send + 'static {
    /// The list as it is now. Called after each change; of changes that come while this runs the last is told, which holds what
    /// the others did. The queue may be used from here. A panic is logged, and the next change is told all the same.
    fn on_change(&mut self, list: &QueueList);
}

/// A closure watches.
impl<F: FnMut(&QueueList) + Send + 'static> QueueListener for F {
    fn on_change(&mut self, list: &QueueList) {
        self(list);
    }
}

/// Tells of each change until there are no more.
pub(super) fn tell<R>(shared: &Shared<R>, mut listener: impl QueueListener) {
    let mut told = 0;
    while let Some(list) = shared.after(told) {
        told = list.revision;
        // The listener's own state is its own concern.
        if panic::catch_unwind(AssertUnwindSafe(|| listener.on_change(&list))).is_err() {
            log::warn!("the queue's listener panicked; it is told of the next change all the same");
        }
    }
}
