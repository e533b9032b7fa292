//! How long what came of a download is kept, by a clock that may have been set since it came.

use std::time::{Duration, SystemTime};

/// How long what came of a download is kept, to be resumed.
const KEPT: Duration = Duration::from_secs(7 * 86_400);
/// A file's time may be so far ahead of the clock before that is taken for a clock that was set back: else such a file would be kept
/// until the clock is there again, which may be years.
const AHEAD: Duration = Duration::from_secs(86_400);

/// Whether nobody will go on with what was written last at this time.
pub(crate) fn is_stale(written: SystemTime) -> bool {
    is_stale_at(written, SystemTime::now())
}

fn is_stale_at(written: SystemTime, now: SystemTime) -> bool {
    match now.duration_since(written) {
        Ok(age) => age > KEPT,
        Err(ahead) => ahead.duration() > AHEAD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_keeps_nothing_for_ever() {
        let day = Duration::from_secs(86_400);
        let written = SystemTime::UNIX_EPOCH + 1000 * day;
        for (now, stale) in [(0, true), (998, true), (999, false), (1000, false), (1007, false), (1008, true)] {
            assert_eq!(is_stale_at(written, SystemTime::UNIX_EPOCH + now * day), stale, "on day {now}");
        }
    }
}
