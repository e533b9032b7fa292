//! Requests that wait for an engine, and are drawn one after another.

use std::sync::Arc;

use cones_core::queue::{Artist, Outline, QueueId, QueueState};
use cones_core::{Error, Observer, Result};

use crate::queue_list::{QueueEntry, QueueList, QueueListener};
use crate::{ConesError, Engine, Picture, Request};

/// The bounds of a queue. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct QueueOptions {
    /// Entries in the list, 1000 if left out. Where there are so many, the oldest that are over and have no picture left are
    /// forgotten for a new one; if there is none, the new one is refused.
    #[uniffi(default)]
    pub most_entries: Option<u32>,
    /// Bytes of pixels (3 for each) that nobody took, 256 MiB if left out: from there on no further picture is drawn until some are
    /// taken, or their entries removed.
    #[uniffi(default)]
    pub most_bytes: Option<u64>,
    /// Begins paused.
    #[uniffi(default)]
    pub paused: bool,
}

/// Draws requests one after another with an engine, on a thread of its own. All calls but `wait` are short, and may come from any
/// thread, the listener's included. What goes wrong with one request is that request's end and touches no other.
///
/// The engine may still be used: one picture at a time is drawn, whoever asks. A queue that is freed cancels what is there, and
/// keeps its engine until what is being drawn has stopped.
#[derive(Debug, uniffi::Object)]
pub struct Queue {
    /// There until it is freed.
    inner: Option<cones_core::queue::Queue<Drawing>>,
}

/// Who draws: an engine that others may use as well.
#[derive(Debug)]
struct Drawing(Arc<Engine>);

impl Artist for Drawing {
    type Request = Request;

    fn outline(request: &Request) -> Outline {
        Outline { prompt: request.prompt.clone(), pictures: request.count, preview_every: Some(request.preview_every) }
    }

    fn draw(
        &mut self,
        request: &Request,
        observer: &mut dyn Observer,
        cancel: &cones_core::CancelToken,
    ) -> Result<cones_core::Generated> {
        self.0.draw(request, observer, cancel)
    }
}

#[uniffi::export]
impl Queue {
    /// A queue for an engine. The listener is told of each change on a thread of its own.
    #[uniffi::constructor(default(listener = None, options))]
    pub fn open(
        engine: Arc<Engine>,
        options: QueueOptions,
        listener: Option<Arc<dyn QueueListener>>,
    ) -> Result<Arc<Self>, ConesError> {
        let artist = Drawing(engine);
        let queue = match listener {
            Some(listener) => {
                // What it throws is its own concern: nothing is drawn for it, so nothing is stopped.
                let tell = move |list: &cones_core::queue::QueueList| drop(listener.on_change(list.into()));
                cones_core::queue::Queue::watched(artist, options.into(), tell)?
            }
            None => cones_core::queue::Queue::new(artist, options.into())?,
        };
        Ok(Arc::new(Self { inner: Some(queue) }))
    }

    /// Puts a request behind all others; gives its id, which counts up from 1. Whether it can be drawn shows when it is its turn.
    /// `BadRequest` where the list is full or the queue was stopped.
    pub fn add(&self, request: Request) -> Result<u64, ConesError> {
        Ok(self.inner()?.add(request)?.number())
    }

    /// Puts one that waits at a place among those that wait: 0 is drawn next, and what is beyond the end is the end.
    pub fn move_to(&self, id: u64, place: u32) -> Result<(), ConesError> {
        Ok(self.inner()?.move_to(QueueId::new(id), place as usize)?)
    }

    /// Takes one out of the list: one that waits, which is then never drawn, or one that is over, with the pictures that nobody
    /// took. One that is being drawn is to be cancelled first.
    pub fn remove(&self, id: u64) -> Result<(), ConesError> {
        Ok(self.inner()?.remove(QueueId::new(id))?)
    }

    /// Stops one that waits or is being drawn; it stays in the list as `Cancelled`. What is being drawn stops within a step, after
    /// this has returned. `false` for one that is over.
    pub fn cancel(&self, id: u64) -> Result<bool, ConesError> {
        Ok(self.inner()?.cancel(QueueId::new(id))?)
    }

    /// Begins no further request until `resume`. What is being drawn goes on.
    pub fn pause(&self) -> Result<(), ConesError> {
        self.inner()?.pause();
        Ok(())
    }

    /// Goes on.
    pub fn resume(&self) -> Result<(), ConesError> {
        self.inner()?.resume();
        Ok(())
    }

    /// The pictures of a request that nobody took yet, in their order, also while others of it are being drawn.
    pub fn take(&self, id: u64) -> Result<Vec<Arc<Picture>>, ConesError> {
        let taken = self.inner()?.take(QueueId::new(id))?;
        Ok(taken.into_iter().map(|drawn| Arc::new(Picture::from(drawn))).collect())
    }

    /// Everything that is in it: what is over in the order in which it ended, what is being drawn, and what waits in its order.
    pub fn list(&self) -> Result<QueueList, ConesError> {
        Ok((&self.inner()?.list()).into())
    }

    /// Blocks until a request is over, or until nothing goes on before somebody takes pictures: then the entry that comes back is
    /// not over. Not to be called by the listener.
    pub fn wait(&self, id: u64) -> Result<QueueEntry, ConesError> {
        Ok((&self.inner()?.wait(QueueId::new(id))?).into())
    }

    /// Cancels everything and takes nothing more, without waiting: what is being drawn stops within a step.
    pub fn stop(&self) -> Result<(), ConesError> {
        self.inner()?.stop();
        Ok(())
    }
}

impl Queue {
    fn inner(&self) -> Result<&cones_core::queue::Queue<Drawing>, ConesError> {
        self.inner.as_ref().ok_or_else(|| Error::Cancelled.into())
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let Some(queue) = self.inner.take() else { return };
        queue.stop();
        let is_drawing = |entry: &cones_core::queue::QueueEntry| matches!(entry.state, QueueState::Drawing);
        if !queue.list().entries.iter().any(is_drawing) {
            // It ends at once, and the listener is let go before this returns: Python aborts when it ends while another thread
            // calls into it.
            return;
        }
        // Its end takes up to a step, for which a host's own thread, mostly that of its screen, must not wait. Where there is no
        // thread to be had it does.
        drop(std::thread::Builder::new().name("cones-queue-end".into()).spawn(move || drop(queue)));
    }
}

impl From<QueueOptions> for cones_core::queue::QueueOptions {
    fn from(options: QueueOptions) -> Self {
        let mut core = Self::default().with_paused(options.paused);
        core.most_entries = options.most_entries.map_or(core.most_entries, |entries| entries as usize);
        core.most_bytes = options.most_bytes.unwrap_or(core.most_bytes);
        core
    }
}
