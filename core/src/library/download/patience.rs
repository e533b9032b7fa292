//! When to try again, and when to give up.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::failure::Failure;
use super::limits::Limits;
use crate::error::Error;

/// Counts the attempts of one download.
pub(super) struct Patience {
    limits: Limits,
    /// Attempts in a row that brought nothing new.
    fruitless: u32,
    /// Attempts so far.
    all: u32,
}

impl Patience {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limits: *limits, fruitless: 0, all: 0 }
    }

    /// How long to wait before the next attempt at `url`, after one that ended with `failure` and had or had not
    /// `progressed`.
    ///
    /// # Errors
    /// The failure itself where another attempt is useless, forbidden, or one too many.
    pub(super) fn after(&mut self, url: &str, failure: Failure, progressed: bool) -> Result<Duration, Error> {
        let (reason, after) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Passing { reason, after } => (reason, after),
        };
        self.all += 1;
        self.fruitless = if progressed { 0 } else { self.fruitless + 1 };
        if self.fruitless >= self.limits.attempts || self.all >= self.limits.attempts_in_all {
            return Err(Error::network(url, format!("{reason} ({} attempts)", self.all)));
        }
        if let Some(asked) = after.filter(|asked| *asked > self.limits.longest_wait) {
            let hint = format!("try again in {} s", asked.as_secs());
            return Err(Error::Network { url: url.into(), reason: format!("{reason}, and asks to wait"), hint });
        }
        log::debug!("attempt {} of a download ended: {reason}", self.all);
        Ok(after.unwrap_or_default().max(self.backoff()))
    }

    /// Doubled with each fruitless attempt, less a random part of up to one half.
    fn backoff(&self) -> Duration {
        let doublings = self.fruitless.saturating_sub(1).min(16);
        let full = self.limits.backoff.saturating_mul(1 << doublings).min(self.limits.longest_wait);
        // Seeded by the system anew for each; no other randomness is needed here.
        let random = RandomState::new().build_hasher().finish() >> 40;
        full.mul_f64(1.0 - random as f64 / (1 << 25) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { attempts: 4, attempts_in_all: 10, backoff: Duration::from_secs(1), ..Limits::default() }
    }

    fn after(patience: &mut Patience, progressed: bool) -> Result<Duration, Error> {
        patience.after("u", Failure::passing("broken"), progressed)
    }

    #[test]
    fn waits_double_and_end() {
        let mut patience = Patience::new(&limits());
        for expected in [1.0, 2.0, 4.0] {
            let wait = after(&mut patience, false).expect("another attempt").as_secs_f64();
            assert!((expected / 2.0..=expected).contains(&wait), "{wait}");
        }
        let error = after(&mut patience, false).expect_err("enough").to_string();
        assert!(error.contains("broken (4 attempts)"), "{error}");
    }

    #[test]
    fn progress_begins_anew_but_not_for_ever() {
        let mut patience = Patience::new(&limits());
        for _ in 0..9 {
            assert!(after(&mut patience, true).expect("another attempt") <= Duration::from_secs(1));
        }
        assert!(after(&mut patience, true).is_err());
    }

    #[test]
    fn a_servers_wish_is_kept_or_the_last_word() {
        let asked = |seconds| Failure::Passing { reason: "busy".into(), after: Some(Duration::from_secs(seconds)) };
        let mut patience = Patience::new(&limits());
        assert_eq!(patience.after("u", asked(50), false).expect("another attempt"), Duration::from_secs(50));
        let error = patience.after("u", asked(3600), false).expect_err("too long");
        assert!(error.hint().is_some_and(|hint| hint.contains("3600 s")), "{error}");
    }

    #[test]
    fn what_is_final_is_not_tried_again() {
        let mut patience = Patience::new(&limits());
        assert!(matches!(patience.after("u", Failure::Final(Error::Cancelled), true), Err(Error::Cancelled)));
    }

    #[test]
    fn the_longest_wait_bounds_all() {
        let mut patience =
            Patience::new(&Limits { attempts: 100, attempts_in_all: 100, backoff: Duration::MAX, ..limits() });
        for _ in 0..50 {
            assert!(after(&mut patience, false).expect("another attempt") <= Duration::from_secs(60));
        }
    }
}
