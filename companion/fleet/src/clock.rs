//! The store's time, so that no two workers' clocks have to agree.

use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::place::Place;

/// Listings may tell whole seconds only, as S3's do: an object may be that much younger than it seems.
const ROUNDING: i64 = 1000;

/// The store's clock as this worker sees it: never ahead of it.
#[derive(Debug, Clone, Copy)]
pub struct StoreClock {
    base: i64,
    at: Instant,
}

impl StoreClock {
    /// Reads the clock off an object that is written for it, `name` with `bytes`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn read(place: &Place, name: &str, bytes: Vec<u8>) -> Result<Self> {
        place.write(name, bytes).await?;
        // Later than the writing: so the clock is behind, if anything, and nobody's lease is taken too early.
        let at = Instant::now();
        let base = place.modified(name).await?.ok_or_else(|| Error::content(name, "was written and is gone"))?;
        Ok(Self { base, at })
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.base.saturating_add(i64::try_from(self.at.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// Milliseconds until what was last written at `modified` is surely `age` milliseconds old; 0 and below: it is.
    pub fn until_old(&self, modified: i64, age: i64) -> i64 {
        modified.saturating_add(age).saturating_add(ROUNDING).saturating_sub(self.now())
    }
}
