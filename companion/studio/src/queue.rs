//! The one queue of all work of the machine. It is on disk: what was waiting or under way when the studio was closed goes on when it
//! is opened again.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use cones_core::{CancelToken, clock};

use crate::error::{Error, Result};
use crate::events::{Event, Events, Topic};
use crate::folder::{self, Folder};
use crate::id::Id;
use crate::job::{Job, Progress, State, Told, Work};

/// So many jobs that are over are remembered, with their pictures.
const REMEMBERED: usize = 40;
/// More do not wait.
const MOST_WAITING: usize = 100;

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    folder: Arc<Folder>,
    events: Events,
    inner: Mutex<Inner>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: Vec<Job>,
    running: Option<(Id, CancelToken)>,
    closing: bool,
}

impl Queue {
    /// What is on disk. A job that was under way waits again, before all others.
    pub(crate) fn open(folder: Arc<Folder>, events: Events) -> Result<Self> {
        let mut jobs = Vec::new();
        for id in folder::ids(&folder.join("jobs"), 'j', "") {
            match folder::read_json::<Job>(&folder.job(id).join("job.json")) {
                Some(mut job) => {
                    if job.state == State::Running {
                        job.state = State::Queued;
                    }
                    jobs.push(job);
                }
                // A live drawing, or one that was cut off before it stood.
                None => remove(folder.job(id)),
            }
        }
        Ok(Self { folder, events, inner: Mutex::new(Inner { jobs, ..Inner::default() }), wake: Condvar::new() })
    }

    /// Adds work behind all other. What is live takes the place of what was.
    pub(crate) fn push(&self, work: Work) -> Result<Job> {
        let mut inner = self.lock();
        if inner.jobs.iter().filter(|job| !job.state.is_over()).count() >= MOST_WAITING {
            return Err(Error::request(format!("{MOST_WAITING} jobs wait already"), "cancel some, or wait"));
        }
        let same = |job: &&Job| !job.state.is_over() && job.work.changes().is_some();
        if let Some(other) = inner.jobs.iter().filter(same).find(|job| job.work.changes() == work.changes()) {
            let hint = format!("cancel job `{}`, or wait for it", other.id);
            return Err(Error::request("this subject is being found already", hint));
        }
        if work.is_live() {
            self.supersede(&mut inner);
        }
        let id = Id::after('j', inner.jobs.iter().map(|job| job.id));
        let job = Job {
            id,
            work,
            state: State::Queued,
            progress: Progress { stage: "waiting".into(), ..Progress::default() },
            pictures: Vec::new(),
            warnings: Vec::new(),
            failure: None,
            history: Vec::new(),
            created: clock::now(),
        };
        folder::make(&self.folder.job(id))?;
        self.save(&job)?;
        inner.jobs.push(job.clone());
        self.forget(&mut inner);
        drop(inner);
        self.wake.notify_all();
        self.events.changed(Topic::Jobs);
        Ok(job)
    }

    /// Stops live drawings, waiting or under way.
    fn supersede(&self, inner: &mut Inner) {
        for job in inner.jobs.iter_mut().filter(|job| job.work.is_live() && job.state == State::Queued) {
            job.state = State::Cancelled;
        }
        if let Some((id, token)) = &inner.running
            && inner.jobs.iter().any(|job| job.id == *id && job.work.is_live())
        {
            token.cancel();
        }
    }

    /// Every job, the oldest first.
    pub(crate) fn list(&self) -> Vec<Job> {
        self.lock().jobs.clone()
    }

    pub(crate) fn get(&self, id: Id) -> Result<Job> {
        self.lock().jobs.iter().find(|job| job.id == id).cloned().ok_or_else(|| Error::unknown("job", id))
    }

    /// Stops a job, or takes it out of those that wait. One that is over is left as it is.
    pub(crate) fn cancel(&self, id: Id) -> Result<Job> {
        let mut inner = self.lock();
        if let Some((_, token)) = inner.running.as_ref().filter(|(running, _)| *running == id) {
            token.cancel();
        }
        let job = inner.jobs.iter_mut().find(|job| job.id == id).ok_or_else(|| Error::unknown("job", id))?;
        if job.state == State::Queued {
            job.state = State::Cancelled;
            self.save(job)?;
        }
        let job = job.clone();
        drop(inner);
        self.events.changed(Topic::Jobs);
        Ok(job)
    }

    /// Waits for the next job; none once the studio is being closed.
    pub(crate) fn take(&self) -> Option<(Job, CancelToken)> {
        let mut inner = self.lock();
        loop {
            if inner.closing {
                return None;
            }
            if let Some(job) = inner.jobs.iter_mut().find(|job| job.state == State::Queued) {
                (job.state, job.failure) = (State::Running, None);
                // What cannot be written now is said at its end.
                let _ = self.save(job);
                let (job, token) = (job.clone(), CancelToken::new());
                inner.running = Some((job.id, token.clone()));
                drop(inner);
                self.events.changed(Topic::Jobs);
                return Some((job, token));
            }
            inner = self.wake.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Changes what is known of a job and tells how far it is.
    pub(crate) fn advance(&self, id: Id, change: impl FnOnce(&mut Job)) {
        let mut inner = self.lock();
        let Some(job) = inner.jobs.iter_mut().find(|job| job.id == id) else { return };
        let pictures = job.pictures.len();
        let warnings = job.warnings.len();
        change(job);
        let (progress, more) = (job.progress.clone(), job.pictures.len() != pictures || job.warnings.len() != warnings);
        drop(inner);
        self.events.tell(Event::Progress { job: id, progress });
        if more {
            self.events.changed(Topic::Jobs);
        }
    }

    /// Ends a job. One that was stopped because the studio is being closed waits for the next time.
    pub(crate) fn finish(&self, id: Id, outcome: Result<()>) {
        let mut inner = self.lock();
        inner.running = None;
        let closing = inner.closing;
        if let Some(job) = inner.jobs.iter_mut().find(|job| job.id == id) {
            job.progress.seconds_left = None;
            match outcome {
                Ok(()) => job.state = State::Done,
                Err(error) if error.is_cancelled() && closing => job.state = State::Queued,
                Err(error) if error.is_cancelled() => job.state = State::Cancelled,
                Err(error) => {
                    job.state = State::Failed;
                    job.failure = Some(Told { error: error.to_string(), hint: error.hint().map(str::to_owned) });
                }
            }
            if let Err(error) = self.save(job) {
                job.warnings.push(format!("this job could not be written down: {error}"));
            }
        }
        drop(inner);
        self.events.changed(Topic::Jobs);
    }

    /// Stops what is under way and gives out nothing more.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closing = true;
        if let Some((_, token)) = &inner.running {
            token.cancel();
        }
        drop(inner);
        self.wake.notify_all();
        self.events.tell(Event::Closing);
    }

    /// Whether a subject is being found, or waits to be, or is drawn.
    pub(crate) fn is_busy_with(&self, subject: Id) -> bool {
        let holds = |work: &Work| match work {
            Work::Find(find) => find.subject == subject,
            Work::Sheet(sheet) => sheet.subject == subject,
            Work::Draw(draw) => draw.subjects.iter().any(|on| on.subject == subject),
        };
        self.lock().jobs.iter().any(|job| !job.state.is_over() && holds(&job.work))
    }

    /// Writes a job down. What is live is gone when the studio is closed.
    fn save(&self, job: &Job) -> Result<()> {
        if job.work.is_live() { Ok(()) } else { folder::write_json(&self.folder.job(job.id).join("job.json"), job) }
    }

    /// Forgets the oldest of those that are over. The newest finding of each subject stays: its curve is shown.
    fn forget(&self, inner: &mut Inner) {
        let newest = |jobs: &[Job], job: &Job| {
            job.work.changes().is_some()
                && !jobs.iter().any(|other| other.id > job.id && other.work.changes() == job.work.changes())
        };
        let over: Vec<Id> = inner
            .jobs
            .iter()
            .filter(|job| job.state.is_over() && !newest(&inner.jobs, job))
            .map(|job| job.id)
            .collect();
        let gone = &over[..over.len().saturating_sub(REMEMBERED)];
        gone.iter().for_each(|id| remove(self.folder.job(*id)));
        inner.jobs.retain(|job| !gone.contains(&job.id));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a job's folder. What cannot be removed is in nobody's way.
fn remove(folder: PathBuf) {
    let _ = std::fs::remove_dir_all(folder);
}
