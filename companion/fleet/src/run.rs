//! What all workers of a run have in common, written once: `run.json`.

use std::time::Duration;

use cones_core::model::bundle::MANIFEST;
use cones_core::{Bundle, Sha256};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::place::Place;

const NAME: &str = "run.json";
/// It is a few lines.
const MOST_BYTES: u64 = 1 << 16;

/// What all workers of a run have in common. The first one writes it; the others take what is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The layout of what lies beside it.
    pub version: u32,
    /// Seconds since 1970 that every pack says it was created at.
    pub created: u64,
    /// The base model's name.
    pub model: String,
    /// Its fingerprint.
    pub fingerprint: Sha256,
    /// SHA-256 of its `bundle.json`: another form of the same base model finds other neurons.
    pub bundle: Sha256,
    /// How long a claim of a subject holds that is not renewed.
    pub lease_seconds: u64,
    /// How often a subject is begun whose workers die before it is called failed.
    pub attempts: u32,
}

impl Run {
    /// The run of a bundle.
    ///
    /// # Errors
    /// When the bundle's manifest cannot be read.
    pub fn new(bundle: &Bundle, created: u64, lease: Duration, attempts: u32) -> Result<Self> {
        let file = bundle.path().join(MANIFEST);
        let bytes = std::fs::read(&file).map_err(Error::file("read", &file))?;
        let manifest = bundle.manifest();
        Ok(Self {
            version: 1,
            created,
            model: manifest.name.clone(),
            fingerprint: manifest.fingerprint,
            bundle: Sha256::digest(bytes),
            lease_seconds: lease.as_secs(),
            attempts,
        })
    }

    /// Writes the run into a place that holds none; takes the one that is there, which has to be of the same base model.
    ///
    /// # Errors
    /// When it is of another base model or a later version, or the store fails.
    pub async fn join(self, place: &Place) -> Result<Self> {
        let json = serde_json::to_vec_pretty(&self).map_err(|error| Error::content(NAME, error.to_string()))?;
        let there = match place.read(NAME, MOST_BYTES).await? {
            Some(there) => there,
            None if place.create(NAME, json).await? => return Ok(self),
            None => place.read(NAME, MOST_BYTES).await?.unwrap_or_default(),
        };
        let there: Self = serde_json::from_slice(&there)
            .map_err(|error| Error::content(NAME, format!("does not describe a run: {error}")))?;
        let other = |reason: String| Error::OtherRun { place: place.shown().to_owned(), reason };
        if there.version != self.version {
            return Err(other(format!("another version of cones ({} instead of {})", there.version, self.version)));
        }
        if (there.fingerprint, there.bundle) != (self.fingerprint, self.bundle) {
            return Err(other(format!("another base model or form: `{}`", there.model)));
        }
        if there.lease_seconds == 0 {
            return Err(Error::content(NAME, "has leases of no length"));
        }
        Ok(there)
    }

    /// How long a claim holds that is not renewed.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }
}
