//! One subject, from its claim to its result.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use cones_core::{CancelToken, Sha256};
use tokio::time::{Instant, sleep};

use crate::board::Entry;
use crate::error::{Error, Result};
use crate::event::{Event, Tell};
use crate::fetch;
use crate::lease::{Lease, Leases};
use crate::line::Line;
use crate::once::{self, Turn};
use crate::outcome::{self, Outcome, State};
use crate::place::{Place, Places};
use crate::stop::Stop;
use crate::work::{Job, Made, Trouble, Work};

/// The largest checkpoint or shared file that is fetched.
const MOST_BYTES: u64 = 16 << 30;

/// How it ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Its result stands, written by us; the seconds it took.
    Done(f64),
    /// Its result stands, and there is no pack.
    Failed(String),
    /// Another has it, or had ended it first.
    Lost,
    /// We or the store failed; somebody may have more luck.
    Faulted(Error),
    /// We were asked to stop, and put away what we had.
    Stopped,
}

/// What it is worked on with.
pub(crate) struct Bench<'a, W> {
    pub(crate) place: &'a Place,
    pub(crate) places: &'a Places,
    pub(crate) leases: &'a Leases,
    pub(crate) work: &'a W,
    pub(crate) stop: &'a Stop,
    pub(crate) tell: &'a Tell,
    pub(crate) worker: &'a str,
    /// How often a checkpoint goes to the store.
    pub(crate) checkpoint_every: Duration,
}

/// How the work came back.
struct Back {
    result: Result<Made, Trouble>,
    lost: bool,
    stopped: bool,
    checkpoint_there: bool,
}

impl<W: Work> Bench<'_, W> {
    /// Works on a subject that was claimed, and sees to it that it has one result, goes on elsewhere, or is given back.
    pub(crate) async fn work(&self, line: &Line, entry: &Entry, job: &Job, mut lease: Lease) -> Ending {
        let started = Instant::now();
        let back = self.make(entry, job, &mut lease).await;
        if back.lost {
            return Ending::Lost;
        }
        let ended = Ended { line, entry, seconds: started.elapsed().as_secs_f64(), attempt: lease.generation() };
        let published = match back.result {
            Ok(made) => self.publish(&ended, made).await.map(|first| match first {
                true => Ending::Done(ended.seconds),
                false => Ending::Lost,
            }),
            Err(Trouble::Failed(reason)) => {
                self.fail(&ended, &reason).await.map(|first| if first { Ending::Failed(reason) } else { Ending::Lost })
            }
            Err(Trouble::Stopped) if back.stopped => {
                // What cannot be put away is found again by whoever goes on.
                let _ = self.put_away(entry, job).await;
                let _ = lease.release().await;
                return Ending::Stopped;
            }
            Err(Trouble::Stopped) => return Ending::Lost,
            Err(Trouble::Worker(error)) => Err(error),
        };
        match published {
            Ok(ending) => {
                // The result stands; what is left lying does no harm.
                if back.checkpoint_there {
                    let _ = self.place.remove(&checkpoint(entry)).await;
                }
                let _ = lease.tidy().await;
                ending
            }
            Err(error) => {
                let _ = lease.abandon(&fetch::one_line(&error)).await;
                Ending::Faulted(error)
            }
        }
    }

    /// Fetches what is needed and works, while the lease is kept and checkpoints go to the store.
    async fn make(&self, entry: &Entry, job: &Job, lease: &mut Lease) -> Back {
        let cancel = CancelToken::new();
        let sent = AtomicBool::new(false);
        let (mut lost, mut stopped) = (false, false);
        let mut making = std::pin::pin!(async {
            if self.fetch(entry, job).await? {
                sent.store(true, Ordering::Relaxed);
            }
            self.share(job, &cancel).await?;
            self.work.make(job, &cancel).await
        });
        let mut keeping = std::pin::pin!(lease.keep());
        let mut sending = std::pin::pin!(self.send_checkpoints(entry, job, &sent));
        let result = loop {
            tokio::select! {
                biased;
                result = &mut making => break result,
                () = &mut keeping, if !lost => {
                    lost = true;
                    cancel.cancel();
                }
                () = self.stop.asked(), if !stopped => {
                    stopped = true;
                    cancel.cancel();
                }
                () = &mut sending, if !lost => {}
            }
        };
        Back { result, lost, stopped, checkpoint_there: sent.load(Ordering::Relaxed) || stopped }
    }

    /// The pictures, and the checkpoint of whoever was here before; says whether there was one.
    async fn fetch(&self, entry: &Entry, job: &Job) -> Result<bool, Trouble> {
        let pictures = job.pictures();
        std::fs::create_dir_all(&pictures).map_err(Error::file("create", &pictures))?;
        fetch::pictures(self.places, &job.subject.pictures, &pictures).await?;
        Ok(self.place.download(&checkpoint(entry), &job.checkpoint(), MOST_BYTES).await?)
    }

    /// Sees to it that what the subject shares with others is here, made by one worker only.
    async fn share(&self, job: &Job, cancel: &CancelToken) -> Result<(), Trouble> {
        let Some(file) = self.work.shared(job)? else { return Ok(()) };
        let Some(name) = file.file_name().and_then(|name| name.to_str()).filter(|_| !file.exists()) else {
            return Ok(());
        };
        let (object, key) = (format!("shared/{name}"), format!("shared-{name}"));
        if self.place.download(&object, &file, MOST_BYTES).await? {
            return Ok(());
        }
        match once::turn(self.place, self.leases, &key, &object, cancel).await? {
            Turn::Stopped => return Err(Trouble::Stopped),
            Turn::There => {
                self.place.download(&object, &file, MOST_BYTES).await?;
            }
            Turn::Ours(mut lease) => {
                (self.tell)(&Event::Sharing { class: job.subject.class.clone() });
                let made = once::kept(&mut lease, async {
                    self.work.make_shared(job, cancel).await?;
                    self.place.upload(&file, &object).await.map_err(Trouble::Worker)
                });
                let made = made.await;
                // Made, all claims of it go, those of workers that died over it too.
                let _ = if made.is_ok() { lease.tidy().await } else { lease.release().await };
                made?;
            }
        }
        Ok(())
    }

    /// Sends the checkpoint to the store from time to time, where it has changed. Never ends.
    async fn send_checkpoints(&self, entry: &Entry, job: &Job, sent: &AtomicBool) {
        let file = job.checkpoint();
        let mut last = written(&file);
        loop {
            sleep(self.checkpoint_every).await;
            let now = written(&file);
            // One that cannot be sent costs time only if this worker dies, and the next one may get through.
            if now != last && now.is_some() && self.place.upload(&file, &checkpoint(entry)).await.is_ok() {
                last = now;
                sent.store(true, Ordering::Relaxed);
            }
        }
    }

    async fn put_away(&self, entry: &Entry, job: &Job) -> Result<()> {
        let file = job.checkpoint();
        if file.exists() { self.place.upload(&file, &checkpoint(entry)).await } else { Ok(()) }
    }

    /// Writes pack and figures, then the result that names them; false where another's result stands.
    async fn publish(&self, ended: &Ended<'_>, made: Made) -> Result<bool> {
        let hash = Sha256::digest(&made.pack);
        let name = ended.line.name.clone().unwrap_or_default();
        let stem = format!("packs/{name}-{}", hash.short(16));
        let (pack, record) = (format!("{stem}.cones"), format!("{stem}.finding.json"));
        let bytes = made.pack.len() as u64;
        self.place.write(&pack, made.pack).await?;
        self.place.write(&record, made.record).await?;
        let outcome = Outcome {
            state: State::Done,
            reason: None,
            pack: Some(pack),
            sha256: Some(hash.to_string()),
            bytes: Some(bytes),
            neurons: Some(made.neurons),
            record: Some(record),
            ..self.outcome(ended, String::new())
        };
        outcome::write(self.place, &ended.entry.key, ended.entry.round, &outcome).await
    }

    async fn fail(&self, ended: &Ended<'_>, reason: &str) -> Result<bool> {
        let outcome = self.outcome(ended, reason.to_owned());
        outcome::write(self.place, &ended.entry.key, ended.entry.round, &outcome).await
    }

    fn outcome(&self, ended: &Ended<'_>, reason: String) -> Outcome {
        let name = ended.line.name.clone();
        let failed = Outcome::failed(ended.line.number, name, reason, self.worker, self.leases.now());
        Outcome { seconds: ended.seconds, attempt: ended.attempt, ..failed }
    }
}

/// A subject whose work is over.
struct Ended<'a> {
    line: &'a Line,
    entry: &'a Entry,
    seconds: f64,
    attempt: u32,
}

fn checkpoint(entry: &Entry) -> String {
    format!("checkpoints/{}", entry.lease_key())
}

/// What tells one state of a file from another.
fn written(file: &Path) -> Option<(SystemTime, u64)> {
    let found = std::fs::metadata(file).ok()?;
    Some((found.modified().ok()?, found.len()))
}
