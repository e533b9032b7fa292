//! A worker at work: which subject next, and what its end means for the others.

use std::collections::HashMap;
use std::time::Duration;

use cones_core::{CancelToken, Sha256};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::board::{Board, Next};
use crate::claimed::{Bench, Ending};
use crate::clock::StoreClock;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::lease::{Claim, Lease, Leases, Newest};
use crate::outcome::{self, Outcome, State};
use crate::report::Report;
use crate::work::{Job, Work};
use crate::worker::{Ended, Worker};

/// What was seen of the others is looked at again after this time at the earliest.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Faults of the store or of this machine, one after another, after which a worker gives up.
const MOST_FAULTS: u32 = 5;

impl<W: Work> Worker<W> {
    /// Works until every line has its result, whoever writes it, or it is asked to stop.
    ///
    /// # Errors
    /// When the store or this machine fails again and again. What was not finished, others go on with.
    pub async fn run(self) -> Result<Ended> {
        let name = &self.options.name;
        let about = json!({ "worker": name, "process": std::process::id() });
        let clock = StoreClock::read(&self.place, &format!("workers/{name}.json"), about.to_string().into()).await?;
        let leases = Leases::new(self.place.clone(), clock, name.clone(), self.run.lease());
        // By its name alone, so that a rehearsal can be repeated.
        let dice =
            Sha256::digest(name).as_bytes().iter().fold(0, |dice: u64, byte| dice.rotate_left(8) ^ u64::from(*byte));
        let board = Board::new(&self.manifest, self.options.share, dice);
        let mut shift = Shift { worker: &self, leases, board, looked: Instant::now(), faults: 0, waiting: false };
        shift.begin().await?;
        shift.work().await
    }
}

/// A worker at work.
struct Shift<'a, W> {
    worker: &'a Worker<W>,
    leases: Leases,
    board: Board,
    looked: Instant,
    faults: u32,
    waiting: bool,
}

impl<W: Work> Shift<'_, W> {
    /// Sees what is done, and writes down what is wrong with lines that nobody can work on.
    async fn begin(&mut self) -> Result<()> {
        let rounds = outcome::rounds(&self.worker.place).await?;
        if self.worker.options.retry_failed {
            self.want_failed_again(&rounds).await?;
        }
        self.board.results(&rounds);
        self.board.claims(self.leases.all().await?);
        self.looked = Instant::now();
        for index in 0..self.board.entries().len() {
            let Some(entry) = self.board.entry(index) else { continue };
            let Some(line) = self.worker.manifest.lines.get(entry.line) else { continue };
            let (Err(reason), false) = (&line.subject, rounds.get(&entry.key).is_some_and(|r| *r >= entry.round))
            else {
                continue;
            };
            let (name, now) = (line.name.clone(), self.leases.now());
            let outcome = Outcome::failed(line.number, name, reason.clone(), &self.worker.options.name, now);
            if outcome::write(&self.worker.place, &entry.key, entry.round, &outcome).await? {
                self.tell_failed(index, reason);
            }
            self.board.finish(index);
        }
        Ok(())
    }

    /// Lines that failed before this worker started get another round.
    async fn want_failed_again(&mut self, rounds: &HashMap<String, u32>) -> Result<()> {
        let now = self.leases.now() / 1000;
        for index in 0..self.board.entries().len() {
            let Some(entry) = self.board.entry(index) else { continue };
            let Some(round) = rounds.get(&entry.key).copied() else { continue };
            let last = outcome::read(&self.worker.place, &entry.key, round).await?;
            let failed = last.is_some_and(|last| last.state == State::Failed && last.finished < now);
            self.board.want(index, if failed { round.saturating_add(1) } else { round });
        }
        Ok(())
    }

    async fn work(mut self) -> Result<Ended> {
        loop {
            if self.worker.stop.is_asked() {
                return Ok(Ended::Stopped);
            }
            match self.board.next(&self.leases) {
                Next::Done => return self.report().await,
                Next::Wait(left) => self.wait(left).await?,
                Next::Try { entry, claimed } => self.attempt(entry, claimed).await?,
            }
        }
    }

    async fn report(&self) -> Result<Ended> {
        let cancel = CancelToken::new();
        let mut report = std::pin::pin!(Report::once(&self.worker.place, &self.leases, self.board.entries(), &cancel));
        let report = tokio::select! {
            report = &mut report => report?,
            () = self.worker.stop.asked() => {
                cancel.cancel();
                report.await?
            }
        };
        Ok(report.map_or(Ended::Stopped, Ended::All))
    }

    /// Tries to claim an entry, and works on it.
    async fn attempt(&mut self, index: usize, claimed: bool) -> Result<()> {
        self.waiting = false;
        let Some(entry) = self.board.entry(index).cloned() else { return Ok(()) };
        let claim = match self.leases.claim(&entry.lease_key(), claimed, self.worker.run.attempts).await {
            Ok(claim) => claim,
            Err(error) => return self.faulted(index, error).await,
        };
        match claim {
            Claim::Busy(newest) => {
                self.board.busy(index, newest);
                self.met_others().await
            }
            Claim::WornOut(times, fault) => {
                let said = fault.map_or_else(String::new, |fault| format!("; the last one said: {fault}"));
                self.fail(index, format!("begun {times} times, and its workers died or were cut off each time{said}"))
                    .await
            }
            Claim::Won(lease) => match self.worker.place.modified(&outcome::object(&entry.key, entry.round)).await {
                Ok(None) => self.claimed(index, lease).await,
                // It was ended, and its claims tidied away, since we last looked.
                Ok(Some(_)) => {
                    let _ = lease.tidy().await;
                    self.board.finish(index);
                    self.met_others().await
                }
                Err(error) => self.faulted(index, error).await,
            },
        }
    }

    async fn claimed(&mut self, index: usize, lease: Lease) -> Result<()> {
        let worker = self.worker;
        let Some(entry) = self.board.entry(index).cloned() else { return Ok(()) };
        let Some(line) = worker.manifest.lines.get(entry.line) else { return Ok(()) };
        let Ok(subject) = line.subject.clone() else { return Ok(()) };
        let name = subject.name.clone();
        (worker.tell)(&Event::Started { name: name.clone(), attempt: lease.generation() });
        let folder = worker.options.scratch.join(entry.lease_key());
        let shared = worker.options.scratch.join("shared");
        for folder in [&folder, &shared] {
            std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        }
        let job = Job { subject, created: worker.run.created, folder, shared };
        let bench = Bench {
            place: &worker.place,
            places: &worker.places,
            leases: &self.leases,
            work: &worker.work,
            stop: &worker.stop,
            tell: &worker.tell,
            worker: &worker.options.name,
            checkpoint_every: worker.options.checkpoint_every,
        };
        let ending = bench.work(line, &entry, &job, lease).await;
        // What cannot be removed goes with the whole scratch folder.
        let _ = std::fs::remove_dir_all(&job.folder);
        match ending {
            Ending::Done(seconds) => {
                self.faults = 0;
                self.board.finish(index);
                let (known, of) = (self.board.done(), self.board.entries().len());
                (worker.tell)(&Event::Done { name, seconds, known, of });
            }
            Ending::Failed(reason) => {
                self.faults = 0;
                self.board.finish(index);
                self.tell_failed(index, &reason);
            }
            Ending::Lost => {
                self.board.again(index);
                (worker.tell)(&Event::Lost { name });
                self.look().await?;
            }
            Ending::Faulted(error) => return self.faulted(index, error).await,
            // The flag is seen by the loop.
            Ending::Stopped => self.board.again(index),
        }
        Ok(())
    }

    /// A subject that nobody can be trusted with any more.
    async fn fail(&mut self, index: usize, reason: String) -> Result<()> {
        let Some(entry) = self.board.entry(index).cloned() else { return Ok(()) };
        let Some(line) = self.worker.manifest.lines.get(entry.line) else { return Ok(()) };
        let (name, now) = (line.name.clone(), self.leases.now());
        let outcome = Outcome::failed(line.number, name, reason.clone(), &self.worker.options.name, now);
        if outcome::write(&self.worker.place, &entry.key, entry.round, &outcome).await? {
            self.tell_failed(index, &reason);
        }
        self.board.finish(index);
        Ok(())
    }

    fn tell_failed(&self, index: usize, reason: &str) {
        let line = self.board.entry(index).and_then(|entry| self.worker.manifest.lines.get(entry.line));
        let Some(line) = line else { return };
        let name = line.name.clone().unwrap_or_else(|| format!("line {}", line.number));
        (self.worker.tell)(&Event::Failed { name, reason: reason.to_owned() });
    }

    /// Goes on with something else after a fault.
    async fn faulted(&mut self, index: usize, error: Error) -> Result<()> {
        let name = self.board.entry(index).map(|entry| entry.key.clone()).unwrap_or_default();
        (self.worker.tell)(&Event::Faulted { name, reason: crate::fetch::one_line(&error) });
        self.board.again(index);
        self.board.jump();
        self.bear(error).await?;
        // A claim of this subject, ours, has to run out first.
        self.look().await
    }

    /// Waits after a fault of the store or of this machine, longer each time; one too many is the end.
    async fn bear(&mut self, error: Error) -> Result<()> {
        self.faults += 1;
        if self.faults >= MOST_FAULTS {
            return Err(error);
        }
        self.rest(Duration::from_secs(1 << self.faults)).await;
        Ok(())
    }

    /// Where one subject was another's, more are: looks at what is done, but not all the time, and goes on elsewhere.
    async fn met_others(&mut self) -> Result<()> {
        if self.looked.elapsed() >= LOOK_AGAIN {
            self.look().await?;
        }
        self.board.jump();
        Ok(())
    }

    async fn look(&mut self) -> Result<()> {
        match self.seen().await {
            Ok((rounds, leases)) => {
                self.board.results(&rounds);
                self.board.claims(leases);
                self.looked = Instant::now();
                Ok(())
            }
            Err(error) => self.bear(error).await,
        }
    }

    /// Which lines have results, and which are claimed.
    async fn seen(&self) -> Result<(HashMap<String, u32>, HashMap<String, Newest>)> {
        Ok((outcome::rounds(&self.worker.place).await?, self.leases.all().await?))
    }

    /// All that is left is in others' hands: waits for a claim to run out or to be gone.
    async fn wait(&mut self, left: Duration) -> Result<()> {
        if !self.waiting {
            (self.worker.tell)(&Event::Waiting { left: self.board.left() });
            self.waiting = true;
        }
        self.rest(left.min(self.worker.run.lease() / 3).max(Duration::from_millis(100))).await;
        match self.gone().await {
            Ok(()) => self.faults = 0,
            Err(error) => self.bear(error).await?,
        }
        Ok(())
    }

    /// One page tells which claims are gone: those subjects are done, or free.
    async fn gone(&mut self) -> Result<()> {
        for index in self.board.claims(self.leases.all().await?) {
            let Some(entry) = self.board.entry(index) else { continue };
            if self.worker.place.modified(&outcome::object(&entry.key, entry.round)).await?.is_some() {
                self.board.finish(index);
            }
        }
        Ok(())
    }

    /// Sleeps, but not when asked to stop.
    async fn rest(&self, time: Duration) {
        tokio::select! {
            () = sleep(time) => {}
            () = self.worker.stop.asked() => {}
        }
    }
}
