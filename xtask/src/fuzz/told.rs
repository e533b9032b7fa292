//! What libFuzzer says at its end.

use super::ledger::Ran;

/// What a parser's process ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its time was over, or it was stopped: nothing was found.
    Clean,
    /// One input took too long, which a busy machine may have been the reason of.
    Slow,
    /// A panic, a failed assertion, too much memory.
    Found,
}

/// libFuzzer's own numbers (`timeout_exitcode`, `interrupt_exitcode`); a process that we end has none.
pub(super) fn end(code: Option<i32>) -> End {
    match code {
        Some(0 | 72) | None => End::Clean,
        Some(70) => End::Slow,
        Some(_) => End::Found,
    }
}

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
        ..Ran::default()
    })
}

/// Where the input lies that ended the run.
pub(super) fn input(text: &str) -> Option<&str> {
    text.lines().rev().find_map(|line| Some(line.split_once("Test unit written to ")?.1.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_whether_it_ended_well_or_not() {
        let well = "#2\tINITED cov: 3\nstat::number_of_executed_units: 14850\nstat::slowest_unit_time_sec:  1\nstat::peak_rss_mb: 431\n";
        assert_eq!(read(well), Some(Ran { executed: 14850, slowest: 1, megabytes: 431, ..Ran::default() }));
        let ill = "#2\tINITED cov: 3\n#77\tNEW    cov: 4\n==1== ERROR: libFuzzer: deadly signal\n\
                   artifact_prefix='./'; Test unit written to found/a-crash-12\nBase64: AA==\n";
        assert_eq!(read(ill).map(|ran| ran.executed), Some(77));
        assert_eq!((input(ill), input(well)), (Some("found/a-crash-12"), None));
        assert_eq!(read("error: could not compile"), None);
    }

    #[test]
    fn a_run_that_was_stopped_found_nothing() {
        assert_eq!([Some(0), Some(72), None].map(end), [End::Clean; 3]);
        assert_eq!([Some(70), Some(71), Some(77), Some(1)].map(end), [End::Slow, End::Found, End::Found, End::Found]);
    }
}
