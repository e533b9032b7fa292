//! What came of a line, written once: the first result stands.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::place::Place;

const FOLDER: &str = "results";
/// It is a few lines, and an error's words.
const MOST_BYTES: u64 = 1 << 20;

/// Whether there is a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is.
    Done,
    /// There is none, and trying again would end the same way.
    Failed,
}

/// What came of a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The line's number, from 1, when it was worked on.
    pub line: u64,
    /// The name it gives, where one can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether there is a pack.
    pub state: State,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The pack, as a path below the run's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// The pack's SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The pack's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Neurons in the pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neurons: Option<usize>,
    /// The figures of the finding, as a path below the run's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Seconds that the worker who ended it spent on it.
    pub seconds: f64,
    /// Which claim of the subject ended it; 0 for a line that nobody had to work on.
    pub attempt: u32,
    /// Who ended it.
    pub worker: String,
    /// When, in seconds since 1970 by the store's clock.
    pub finished: i64,
}

impl Outcome {
    /// A line that came to nothing.
    pub fn failed(line: u64, name: Option<String>, reason: String, worker: &str, now: i64) -> Self {
        Self {
            line,
            name,
            state: State::Failed,
            reason: Some(reason),
            pack: None,
            sha256: None,
            bytes: None,
            neurons: None,
            record: None,
            seconds: 0.0,
            attempt: 0,
            worker: worker.to_owned(),
            finished: now / 1000,
        }
    }
}

/// The object of a line's result. Rounds count from 1; failed lines that are tried again get another one.
pub fn object(key: &str, round: u32) -> String {
    format!("{FOLDER}/{key}/{round:07}.json")
}

/// The last round of each line that has a result.
///
/// # Errors
/// What the store says.
pub async fn rounds(place: &Place) -> Result<HashMap<String, u32>> {
    let mut found: HashMap<String, u32> = HashMap::new();
    for listed in place.list(FOLDER).await? {
        let Some((key, file)) = listed.name.rsplit_once('/') else { continue };
        let Some(round) = file.strip_suffix(".json").and_then(|digits| digits.parse().ok()) else { continue };
        let known = found.entry(key.to_owned()).or_insert(round);
        *known = round.max(*known);
    }
    Ok(found)
}

/// Writes a result where there is none; false where one stands already.
///
/// # Errors
/// What the store says.
pub async fn write(place: &Place, key: &str, round: u32, outcome: &Outcome) -> Result<bool> {
    let name = object(key, round);
    let json = serde_json::to_vec_pretty(outcome).map_err(|error| Error::content(&name, error.to_string()))?;
    place.create(&name, json).await
}

/// Reads a result; none where there is none.
///
/// # Errors
/// When it is none, or the store fails.
pub async fn read(place: &Place, key: &str, round: u32) -> Result<Option<Outcome>> {
    let name = object(key, round);
    let Some(bytes) = place.read(&name, MOST_BYTES).await? else { return Ok(None) };
    let outcome = serde_json::from_slice(&bytes);
    outcome.map(Some).map_err(|error| Error::content(&name, format!("is no result: {error}")))
}
