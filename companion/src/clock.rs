//! The time, as packs and catalogues hold it.

use crate::failure::Failure;

/// Seconds since 1970 (UTC): now, or what SOURCE_DATE_EPOCH says, so that the same input can give the same bytes
/// (reproducible-builds.org).
pub fn now() -> Result<u64, Failure> {
    if let Some(set) = std::env::var_os("SOURCE_DATE_EPOCH") {
        let shown = set.to_string_lossy();
        return shown.parse().map_err(|_| format!("SOURCE_DATE_EPOCH is `{shown}`, not a number of seconds").into());
    }
    match cones_core::clock::now() {
        0 => Err("this device's clock is before 1970; set it right".into()),
        now => Ok(now),
    }
}

/// The day of a moment given in seconds since 1970, as `2026-11-29` (UTC).
pub fn date(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
    moment.map_or_else(|| format!("second {seconds}"), |moment| moment.strftime("%Y-%m-%d").to_string())
}
