//! What libFuzzer says at its end.

use super::ledger::Ran;

/// The last numbers of each kind; none where it never began. A run that found something may have said only how many inputs it had tried.
pub(super) fn read(text: &str) -> Option<Ran> {
    let stat = |name: &str| {
        let line = text.lines().rev().find_map(|line| line.trim().strip_prefix("stat::")?.strip_prefix(name));
        line.and_then(|rest| rest.trim_start_matches(':').trim().parse().ok())
    };
    // `#1234  NEW    cov: …`
    let tried = || {
        let number = |line: &str| line.strip_prefix('#')?.split_whitespace().next()?.parse().ok();
        text.lines().rev().find_map(number)
    };
    let executed = stat("number_of_executed_units").or_else(tried)?;
    Some(Ran {
        executed,
        slowest: stat("slowest_unit_time_sec").unwrap_or(0),
        megabytes: stat("peak_rss_mb").unwrap_or(0),
        clean: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_whether_it_ended_well_or_not() {
        let well = "#2\tINITED cov: 3\nstat::number_of_executed_units: 14850\nstat::slowest_unit_time_sec:  1\nstat::peak_rss_mb: 431\n";
        assert_eq!(read(well), Some(Ran { executed: 14850, slowest: 1, megabytes: 431, clean: true }));
        let ill = "#2\tINITED cov: 3\n#77\tNEW    cov: 4\n==1== ERROR: libFuzzer: deadly signal\n";
        assert_eq!(read(ill).map(|ran| ran.executed), Some(77));
        assert_eq!(read("error: could not compile"), None);
    }
}
