//! Who works on what: claims that run out.
//!
//! `leases/KEY/0000003.json` is the third claim of a subject. It is made by creating the object where there is none, and holds for
//! as long as it was written less than a lease ago; its owner writes it again every third of that. Once it has run out, whoever
//! creates `0000004.json` has the subject. So nothing but a conditional *create* is asked of the store.
//!
//! That no two workers hold one subject rests on two clocks that only have to run equally fast: an owner counts from before
//! its last successful write and gives up by itself; others count from when the store says it was written, and add what the
//! store's clock is rounded by.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::clock::StoreClock;
use crate::error::{Error, Result};
use crate::place::Place;

const FOLDER: &str = "leases";
/// It is one line.
const MOST_BYTES: u64 = 1 << 16;
/// Races that are lost in a row before a subject is left to the others for now.
const RACES: usize = 3;

/// The newest claim of a subject, as a listing tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// Which claim it is, from 1.
    pub generation: u32,
    /// When it was last written, in milliseconds of the store's clock.
    pub modified: i64,
}

/// What came of trying to claim.
#[derive(Debug)]
pub enum Claim {
    /// The subject is ours.
    Won(Lease),
    /// It is another's.
    Busy(Newest),
    /// It was claimed as often as it may be, and each claim ran out; with what its last worker said, if anything.
    WornOut(u32, Option<String>),
}

/// What a claim says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Body {
    worker: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// Claims subjects for one worker.
#[derive(Debug, Clone)]
pub struct Leases {
    place: Place,
    clock: StoreClock,
    worker: String,
    length: Duration,
}

impl Leases {
    /// Claims for the worker `worker`, a name that no other has.
    pub fn new(place: Place, clock: StoreClock, worker: impl Into<String>, length: Duration) -> Self {
        Self { place, clock, worker: worker.into(), length }
    }

    /// The store's time in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// How long a claim still holds, unless it is renewed.
    pub fn left(&self, newest: Newest) -> Duration {
        let length = i64::try_from(self.length.as_millis()).unwrap_or(i64::MAX);
        Duration::from_millis(self.clock.until_old(newest.modified, length).max(0).unsigned_abs())
    }

    /// The newest claim of each subject that is claimed.
    ///
    /// # Errors
    /// What the store says.
    pub async fn all(&self) -> Result<HashMap<String, Newest>> {
        let mut found: HashMap<String, Newest> = HashMap::new();
        for listed in self.place.list(FOLDER).await? {
            let Some((key, file)) = listed.name.rsplit_once('/') else { continue };
            let Some(newest) = newest(file, listed.modified) else { continue };
            let known = found.entry(key.to_owned()).or_insert(newest);
            if known.generation < newest.generation {
                *known = newest;
            }
        }
        Ok(found)
    }

    async fn newest(&self, key: &str) -> Result<Option<Newest>> {
        let listed = self.place.list(&format!("{FOLDER}/{key}")).await?;
        let all = listed.iter().filter_map(|listed| newest(&listed.name, listed.modified));
        Ok(all.max_by_key(|newest| newest.generation))
    }

    /// Tries to claim a subject; `claimed` says that a claim of it was seen, so that one request is spared where none was.
    ///
    /// # Errors
    /// What the store says.
    pub async fn claim(&self, key: &str, claimed: bool, attempts: u32) -> Result<Claim> {
        let mut newest = if claimed { self.newest(key).await? } else { None };
        for _ in 0..RACES {
            if let Some(newest) = newest {
                if !self.left(newest).is_zero() {
                    return Ok(Claim::Busy(newest));
                }
                if newest.generation >= attempts {
                    let fault = self.body(&name(key, newest.generation)).await?.and_then(|body| body.fault);
                    return Ok(Claim::WornOut(newest.generation, fault));
                }
            }
            let generation = newest.map_or(1, |newest| newest.generation.saturating_add(1));
            let (name, body) = (name(key, generation), Body { worker: self.worker.clone(), fault: None });
            let started = Instant::now();
            let created = self.place.create(&name, json(&name, &body)?).await?;
            // An answer may get lost and the request be made again: then what is there is ours.
            if created || self.body(&name).await?.is_some_and(|there| there.worker == self.worker) {
                let (place, length) = (self.place.clone(), self.length);
                let (key, valid_until) = (key.to_owned(), started + length);
                return Ok(Claim::Won(Lease { place, key, generation, body, length, valid_until }));
            }
            newest = self.newest(key).await?;
        }
        // Others are quicker, again and again: the next listing will tell.
        Ok(Claim::Busy(newest.unwrap_or(Newest { generation: 1, modified: self.clock.now() })))
    }

    async fn body(&self, name: &str) -> Result<Option<Body>> {
        // What is damaged is nobody's, and runs out as any other.
        Ok(self.place.read(name, MOST_BYTES).await?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}

fn name(key: &str, generation: u32) -> String {
    format!("{FOLDER}/{key}/{generation:07}.json")
}

fn newest(file: &str, modified: i64) -> Option<Newest> {
    Some(Newest { generation: file.strip_suffix(".json")?.parse().ok()?, modified })
}

fn json(name: &str, body: &Body) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(|error| Error::content(name, error.to_string()))
}

/// A claim that is ours, for as long as it is kept.
#[derive(Debug)]
pub struct Lease {
    place: Place,
    key: String,
    generation: u32,
    body: Body,
    length: Duration,
    valid_until: Instant,
}

impl Lease {
    /// Which claim of the subject it is, from 1.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Keeps the claim until it is lost: it was another's by the time it could be renewed, or ran out because the store could
    /// not be reached. From then on somebody else may work on the subject.
    pub async fn keep(&mut self) {
        let mut next = self.valid_until - self.length + self.length / 3;
        loop {
            sleep_until(next.min(self.valid_until)).await;
            let started = Instant::now();
            if started >= self.valid_until {
                return;
            }
            match timeout_at(self.valid_until, self.renew()).await {
                Ok(Ok(true)) => {
                    self.valid_until = started + self.length;
                    next = started + self.length / 3;
                }
                Ok(Ok(false)) => return,
                // The store may come back in time.
                Ok(Err(_)) => next = Instant::now() + self.length / 12,
                Err(_) => return,
            }
        }
    }

    /// False where another has the subject.
    async fn renew(&self) -> Result<bool> {
        // Only a computer that slept, whose clock stood still, can have been overtaken without knowing.
        if self.place.modified(&name(&self.key, self.generation.saturating_add(1))).await?.is_some() {
            return Ok(false);
        }
        let name = name(&self.key, self.generation);
        self.place.write(&name, json(&name, &self.body)?).await.map(|()| true)
    }

    /// Gives the subject back, as if it had not been claimed this time.
    ///
    /// # Errors
    /// What the store says; then the claim runs out by itself.
    pub async fn release(self) -> Result<()> {
        self.place.remove(&name(&self.key, self.generation)).await
    }

    /// Leaves the claim to run out, and says why: it counts as one of the attempts.
    ///
    /// # Errors
    /// What the store says; then it runs out without a word.
    pub async fn abandon(mut self, fault: &str) -> Result<()> {
        self.body.fault = Some(fault.to_owned());
        let name = name(&self.key, self.generation);
        self.place.write(&name, json(&name, &self.body)?).await
    }

    /// Removes all claims of a subject whose result is written.
    ///
    /// # Errors
    /// What the store says; what is left does no harm.
    pub async fn tidy(self) -> Result<()> {
        for generation in 1..=self.generation {
            self.place.remove(&name(&self.key, generation)).await?;
        }
        Ok(())
    }
}
