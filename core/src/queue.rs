//! Requests that are drawn one after another, by one artist on a thread of its own, while somebody watches.
//!
//! ```no_run
//! use cones_core::queue::{Queue, QueueList, QueueOptions};
//! use cones_core::{Bundle, Engine, EngineOptions, Request};
//!
//! # fn main() -> cones_core::Result<()> {
//! let engine = Engine::new(Bundle::open("models/toybox/bundle")?, EngineOptions::default())?;
//! let watch = |list: &QueueList| list.entries.iter().for_each(|entry| log::info!("{}: {:?}", entry.id, entry.state));
//! let queue = Queue::watched(engine, QueueOptions::default(), watch)?;
//! let dog = queue.add(Request::new("a dog on grass"))?;
//! let cats = queue.add_all((0..3).map(|seed| Request::new("a cat").with_seed(seed)).collect())?;
//! queue.move_to(cats[2], 0)?;
//! queue.cancel(cats[0])?;
//! queue.wait(dog)?;
//! for drawn in queue.take(dog)? {
//!     cones_core::picture::writing::save(&drawn.picture, &drawn.recipe, "dog.png".as_ref())?;
//! }
//! # Ok(())
//! # }
//! ```

mod artist;
mod board;
mod easel;
mod entry;
mod listener;
mod options;
mod shared;
#[cfg(test)]
mod tests;
mod work;

use std::sync::Arc;
use std::thread::{self, JoinHandle};

pub use artist::{Artist, Outline};
pub use entry::{QueueEntry, QueueId, QueueList, QueueState};
pub use listener::QueueListener;
pub use options::QueueOptions;

use crate::engine::outcome::Drawn;
use crate::error::{Error, Result};
use shared::Shared;

/// Requests that are drawn one after another, by one artist on a thread of its own.
///
/// All calls are short and may come from any thread, a listener's included; [`wait`](Self::wait) and the end alone block. What
/// goes wrong with one request is that request's end and touches no other.
///
/// Dropping it cancels what is there, stops the drawing within a step and waits for its threads.
#[derive(Debug)]
pub struct Queue<A: Artist> {
    shared: Arc<Shared<A::Request>>,
    worker: Option<JoinHandle<A>>,
    teller: Option<JoinHandle<()>>,
}

impl<A: Artist> Queue<A> {
    /// A queue that nobody watches; [`list`](Self::list) shows it.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for a bound of 0; [`Error::Io`] where the system has no thread left.
    pub fn new(artist: A, options: QueueOptions) -> Result<Self> {
        let shared = Arc::new(Shared::new(options)?);
        let worker = {
            let shared = Arc::clone(&shared);
            started("cones-queue", move || work::work(artist, &shared))?
        };
        Ok(Self { shared, worker: Some(worker), teller: None })
    }

    /// A queue that tells a listener of each change, on a thread of the listener's own.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn watched(artist: A, options: QueueOptions, listener: impl QueueListener) -> Result<Self> {
        let mut queue = Self::new(artist, options)?;
        let shared = Arc::clone(&queue.shared);
        queue.teller = Some(started("cones-queue-listener", move || listener::tell(&shared, listener))?);
        Ok(queue)
    }

    /// Puts a request behind all others. Whether it can be drawn shows when it is its turn.
    ///
    /// # Errors
    /// [`Error::BadRequest`] where the list is full ([`QueueOptions::most_entries`]) or the queue was [stopped](Self::stop).
    pub fn add(&self, request: A::Request) -> Result<QueueId> {
        let ids = self.add_all(vec![request])?;
        ids.first().copied().ok_or_else(|| Error::request("queue", "took no request"))
    }

    /// Puts several behind all others, next to each other: all of them, or none.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_all(&self, requests: Vec<A::Request>) -> Result<Vec<QueueId>> {
        let outlined = requests.into_iter().map(|request| (A::outline(&request), request)).collect();
        self.shared.change(|board| board.add(outlined))
    }

    /// Puts one that waits at a place among those that wait: 0 is drawn next, and what is beyond the end is the end.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::BadRequest`] for one that waits no more.
    pub fn move_to(&self, id: QueueId, place: usize) -> Result<()> {
        self.shared.change(|board| board.move_to(id, place))
    }

    /// Takes one out of the list: one that waits, which is then never drawn, or one that is over, with the pictures that nobody took.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::BadRequest`] for one that is being drawn: [cancel](Self::cancel) that.
    pub fn remove(&self, id: QueueId) -> Result<()> {
        // Dropped here, outside the lock: pictures are large.
        self.shared.change(|board| board.remove(id)).map(drop)
    }

    /// Stops one that waits or is being drawn; it stays in the list as [`QueueState::Cancelled`], with the pictures that it has.
    /// What is being drawn stops within a step, after this has returned. `false` for one that is over.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn cancel(&self, id: QueueId) -> Result<bool> {
        self.shared.change(|board| board.cancel(id))
    }

    /// Begins no further request until [`resume`](Self::resume). What is being drawn goes on.
    pub fn pause(&self) {
        self.shared.change(|board| board.pause(true));
    }

    /// Goes on.
    pub fn resume(&self) {
        self.shared.change(|board| board.pause(false));
    }

    /// The pictures of a request that nobody took yet, in their order, also while others of it are being drawn. They are the
    /// caller's from then on.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn take(&self, id: QueueId) -> Result<Vec<Drawn>> {
        self.shared.change(|board| board.take(id))
    }

    /// Everything that is in it: what is over in the order in which it ended, what is being drawn, and what waits in its order.
    pub fn list(&self) -> QueueList {
        self.shared.read(|board| board.list())
    }

    /// One of its entries.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn entry(&self, id: QueueId) -> Result<QueueEntry> {
        self.shared.read(|board| board.entry(id))
    }

    /// Waits until a request is over, or until nothing goes on before somebody takes pictures
    /// ([`QueueList::full`]); that is when the entry that comes back is not over. Not to be called by a listener.
    ///
    /// # Errors
    /// [`Error::NotFound`], also once it is removed.
    pub fn wait(&self, id: QueueId) -> Result<QueueEntry> {
        self.shared.wait(id)
    }

    /// Cancels everything and takes nothing more, without waiting: what is being drawn stops within a step.
    pub fn stop(&self) {
        self.shared.change(|board| board.stop());
    }

    /// Ends it, and gives the artist back once its threads have ended; `None` if it panicked where it should not.
    pub fn close(mut self) -> Option<A> {
        self.end()
    }

    fn end(&mut self) -> Option<A> {
        self.stop();
        let artist = self.worker.take().and_then(joined);
        self.shared.change(|board| board.closed());
        self.teller.take().and_then(joined);
        artist
    }
}

impl<A: Artist> Drop for Queue<A> {
    fn drop(&mut self) {
        self.end();
    }
}

fn started<T: Send + 'static>(name: &str, body: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>> {
    let spawned = thread::Builder::new().name(name.into()).spawn(body);
    spawned.map_err(Error::io("start a thread of", "the queue".as_ref()))
}

/// What a thread came to. One that ends the queue by itself, as a listener may, ends when it returns.
fn joined<T>(thread: JoinHandle<T>) -> Option<T> {
    if thread.thread().id() == thread::current().id() {
        return None;
    }
    thread.join().ok()
}
