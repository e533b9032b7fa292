//! The time, as packs and catalogues hold it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;

/// Seconds since 1970 (UTC): now, or what SOURCE_DATE_EPOCH says, so that the same input can give the same bytes
/// (reproducible-builds.org).
pub fn now() -> Result<u64, Failure> {
    if let Some(set) = std::env::var_os("SOURCE_DATE_EPOCH") {
        let shown = set.to_string_lossy();
        return shown.parse().map_err(|_| format!("SOURCE_DATE_EPOCH is `{shown}`, not a number of seconds").into());
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(since.map_err(|_| "this device's clock is before 1970; set it right")?.as_secs())
}
