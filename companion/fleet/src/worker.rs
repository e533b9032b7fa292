//! One worker: claims subjects and works on them until every line has its result.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::event::Tell;
use crate::manifest::Manifest;
use crate::place::{Place, Places};
use crate::report::Report;
use crate::run::Run;
use crate::stop::Stop;
use crate::work::Work;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// A name that no other worker has; [`unique_name`](Self::unique_name) makes one.
    pub name: String,
    /// The share of the lines it begins with: number (from 0) and count.
    pub share: (usize, usize),
    /// A folder of its own to work in.
    pub scratch: PathBuf,
    /// How often checkpoints go to the store.
    pub checkpoint_every: Duration,
    /// Whether lines that failed before it started are tried again.
    pub retry_failed: bool,
}

impl WorkerOptions {
    /// A worker that begins anywhere, sends checkpoints each minute and leaves failed lines alone.
    pub fn new(name: impl Into<String>, scratch: impl Into<PathBuf>) -> Self {
        let minute = Duration::from_secs(60);
        Self {
            name: name.into(),
            share: (0, 1),
            scratch: scratch.into(),
            checkpoint_every: minute,
            retry_failed: false,
        }
    }

    /// A name that no other worker has: `host`, the process and a number by chance.
    pub fn unique_name(host: &str) -> String {
        let plain: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
        format!("{plain}-{}-{:08x}", std::process::id(), RandomState::new().hash_one(host) as u32)
    }
}

/// How a worker ended.
#[derive(Debug)]
pub enum Ended {
    /// Every line has its result.
    All(Report),
    /// It was asked to stop.
    Stopped,
}

/// A worker.
pub struct Worker<W> {
    pub(crate) place: Place,
    pub(crate) places: Arc<Places>,
    pub(crate) run: Run,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) work: W,
    pub(crate) options: WorkerOptions,
    pub(crate) stop: Stop,
    pub(crate) tell: Tell,
    /// Removed when the worker is gone.
    pub(crate) _scratch: Option<TempDir>,
}

impl<W: Work> Worker<W> {
    /// A worker on the lines of a manifest, with its results in `place`; `places` finds pictures.
    pub fn new(
        place: Place,
        places: Arc<Places>,
        run: Run,
        manifest: Arc<Manifest>,
        work: W,
        options: WorkerOptions,
    ) -> Self {
        Self {
            place,
            places,
            run,
            manifest,
            work,
            options,
            stop: Stop::default(),
            tell: Arc::new(|_| {}),
            _scratch: None,
        }
    }

    /// Removes this folder, in which it works, once it has ended.
    #[must_use]
    pub fn keeping(mut self, scratch: TempDir) -> Self {
        self._scratch = Some(scratch);
        self
    }

    /// Stops when `stop` is asked.
    #[must_use]
    pub fn stopped_by(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Tells events.
    #[must_use]
    pub fn telling(mut self, tell: Tell) -> Self {
        self.tell = tell;
        self
    }
}
