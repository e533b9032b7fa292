//! What is done for one subject, apart from who does it and where it lies.

use std::future::Future;
use std::path::PathBuf;

use cones_core::CancelToken;

use crate::error::Error;
use crate::subject::Subject;

/// A subject that was claimed, with folders to work in.
#[derive(Debug, Clone)]
pub struct Job {
    /// The subject.
    pub subject: Subject,
    /// When its pack says it was created, in seconds since 1970.
    pub created: u64,
    /// A folder of its own; its pictures are in [`pictures`](Self::pictures).
    pub folder: PathBuf,
    /// A folder for what several subjects share; it stays.
    pub shared: PathBuf,
}

impl Job {
    /// The folder of the pictures.
    pub fn pictures(&self) -> PathBuf {
        self.folder.join("pictures")
    }

    /// The file by which an interrupted work goes on, here or elsewhere.
    pub fn checkpoint(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The pack: for the same subject the same bytes, whoever makes it.
    pub pack: Vec<u8>,
    /// The figures, as JSON.
    pub record: Vec<u8>,
    /// Neurons in the pack.
    pub neurons: usize,
}

/// Why nothing came of it.
#[derive(Debug)]
pub enum Trouble {
    /// It was told to stop; what it has is in the checkpoint.
    Stopped,
    /// The subject is at fault: trying again would end the same way.
    Failed(String),
    /// This worker or the store is at fault: another try may do it.
    Worker(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Worker(error)
    }
}

/// What is done for one subject.
pub trait Work: Send + Sync {
    /// The file in [`Job::shared`] that this subject shares with others; none where it shares nothing.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    fn shared(&self, job: &Job) -> Result<Option<PathBuf>, Trouble>;

    /// Makes that file.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    fn make_shared(&self, job: &Job, stop: &CancelToken) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Makes the pack. Where [`Job::checkpoint`] is there already, it goes on from it, and the pack is the same.
    ///
    /// # Errors
    /// [`Trouble::Stopped`] soon after `stop` is cancelled, with the checkpoint written.
    fn make(&self, job: &Job, stop: &CancelToken) -> impl Future<Output = Result<Made, Trouble>> + Send;
}
