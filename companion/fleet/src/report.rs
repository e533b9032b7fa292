//! What came of all lines, made once from their results.

use std::fmt::Write as _;

use cones_core::CancelToken;
use cones_core::disk::hash::Hasher;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::board::Entry;
use crate::error::{Error, Result};
use crate::lease::Leases;
use crate::once::{self, Turn};
use crate::outcome::{self, Outcome, State};
use crate::place::Place;

/// The newest report, for people.
const NEWEST: &str = "report.json";
/// Results that are read at the same time.
const AT_ONCE: usize = 16;
/// A result has a kilobyte; a manifest hundreds of thousands of lines.
const MOST_BYTES: u64 = 1 << 30;

/// What came of all lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Lines.
    pub lines: usize,
    /// Lines with a pack.
    pub done: usize,
    /// Lines that came to nothing.
    pub failed: usize,
    /// Seconds that workers spent on the claims that ended them.
    pub seconds: f64,
    /// Claims that ran out before another worker ended the subject.
    pub taken_over: u32,
    /// The results, in the manifest's order.
    pub results: Vec<Outcome>,
}

impl Report {
    fn new(results: Vec<Outcome>) -> Self {
        let done = results.iter().filter(|outcome| outcome.state == State::Done).count();
        Self {
            lines: results.len(),
            done,
            failed: results.len() - done,
            seconds: results.iter().map(|outcome| outcome.seconds).sum(),
            taken_over: results.iter().map(|outcome| outcome.attempt.saturating_sub(1)).sum(),
            results,
        }
    }

    /// The report of these entries, all of which have a result: made by the first worker who asks, read by the others; none
    /// where `cancel` came first.
    ///
    /// # Errors
    /// When a result is damaged or gone, or the store fails.
    pub async fn once(place: &Place, leases: &Leases, entries: &[Entry], cancel: &CancelToken) -> Result<Option<Self>> {
        let mut digest = Hasher::new();
        entries.iter().for_each(|entry| digest.update(format!("{} {}\n", entry.key, entry.round)));
        let digest = digest.finish().short(16);
        let object = format!("reports/{digest}.json");
        match once::turn(place, leases, &format!("report-{digest}"), &object, cancel).await? {
            Turn::Stopped => Ok(None),
            Turn::There => {
                let bytes = place.read(&object, MOST_BYTES).await?.unwrap_or_default();
                let report = serde_json::from_slice(&bytes);
                report.map(Some).map_err(|error| Error::content(&object, format!("is no report: {error}")))
            }
            Turn::Ours(mut lease) => {
                let made = once::kept(&mut lease, Self::make(place, entries, &object)).await;
                let _ = if made.is_ok() { lease.tidy().await } else { lease.release().await };
                made.map(Some)
            }
        }
    }

    async fn make(place: &Place, entries: &[Entry], object: &str) -> Result<Self> {
        let read = |entry: Entry| async move {
            let found = outcome::read(place, &entry.key, entry.round).await?;
            found.ok_or_else(|| Error::content(&outcome::object(&entry.key, entry.round), "is gone"))
        };
        let report = Self::new(stream::iter(entries.to_vec()).map(read).buffered(AT_ONCE).try_collect().await?);
        let json = serde_json::to_vec_pretty(&report).map_err(|error| Error::content(object, error.to_string()))?;
        place.write(NEWEST, json.clone()).await?;
        place.write(object, json).await?;
        Ok(report)
    }

    /// As people read it: what failed and why, and the sums.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for outcome in self.results.iter().filter(|outcome| outcome.state == State::Failed) {
            let name = outcome.name.as_deref().unwrap_or("-");
            let reason = outcome.reason.as_deref().unwrap_or("-");
            // Writing into a text does not fail.
            let _ = writeln!(text, "failed\tline {}\t{name}\t{reason}", outcome.line);
        }
        let _ = writeln!(
            text,
            "{} of {} done, {} failed; {:.0} s of work, {} taken over",
            self.done, self.lines, self.failed, self.seconds, self.taken_over
        );
        text
    }
}
