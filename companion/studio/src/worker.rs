//! The thread that does the machine's work, one job after another.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cones_core::CancelToken;

use crate::drawer::Drawer;
use crate::error::{Error, Result};
use crate::job::{Job, Work};
use crate::studio::Studio;
use crate::work::{draw, find, sheet};

/// Work as it goes into the queue: checked, with its defaults.
///
/// # Errors
/// As each kind of work says.
pub(crate) fn checked(studio: &Studio, work: Work) -> Result<Work> {
    match &work {
        Work::Find(it) => find::check(studio, it).map(|()| work),
        Work::Draw(it) => draw::check(studio, it).map(|()| work),
        Work::Sheet(it) => sheet::checked(studio, it.clone()).map(Work::Sheet),
    }
}

/// Works until the studio is closed.
pub(crate) fn run(studio: &Studio) {
    let mut drawer = Drawer::default();
    while let Some((job, cancel)) = studio.queue.take() {
        let outcome = catch_unwind(AssertUnwindSafe(|| work(studio, &mut drawer, &job, &cancel)));
        let outcome = outcome.unwrap_or_else(|_| {
            // What it held may be half done.
            drawer = Drawer::default();
            Err(Error::Lost("a fault in the studio itself ended this job".into()))
        });
        studio.queue.finish(job.id, outcome);
    }
}

fn work(studio: &Studio, drawer: &mut Drawer, job: &Job, cancel: &CancelToken) -> Result<()> {
    if job.work.changes().is_none() {
        // Begun before the studio was closed, it is drawn anew.
        studio.queue.advance(job.id, |job| job.pictures.clear());
    }
    match &job.work {
        Work::Find(it) => find::run(studio, drawer, job.id, it, cancel),
        Work::Draw(it) => draw::run(studio, drawer, job.id, it, cancel),
        Work::Sheet(it) => sheet::run(studio, drawer, job.id, it, cancel),
    }
}
