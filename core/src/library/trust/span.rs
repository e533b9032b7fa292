//! Times, for people.

/// Seconds of a day.
pub(crate) const DAY: u64 = 86_400;

/// How far a device's clock may be behind a publisher's, in seconds.
pub(crate) const CLOCK_TOLERANCE: u64 = DAY;

/// A number of seconds, for people.
pub(crate) fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / DAY, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
