//! The sums of the lines that tests close with: nextest's `Summary`, cargo's and Python's `test result:`, Surefire's `Tests run:`.

use std::io::{BufRead, Write};
use std::process::{Command, ExitStatus};

use crate::failure::Result;
use crate::process;

/// How many tests there were.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) ignored: u32,
}

impl Count {
    /// Runs tests with our terminal and adds up what their closing lines say.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<ExitStatus> {
        process::watch(command, |line| self.add(line))
    }

    /// Runs nextest, which writes to standard error, and adds up what its closing line says. The lines of single tests that failed
    /// stand in its output too, and are in that sum already.
    pub(crate) fn run_nextest(&mut self, command: &mut Command) -> Result<ExitStatus> {
        process::watch_both(command, |line| self.add_nextest(line))
    }

    /// Passes everything on to `terminal` as it comes, and adds up what closing lines say.
    pub(crate) fn read(&mut self, output: impl BufRead, terminal: impl Write) -> std::io::Result<()> {
        process::pass_on(output, terminal, |line| self.add(line))
    }

    /// Adds another count to this one.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }

    fn add(&mut self, line: &str) {
        self.add_surefire(line);
        let Some(result) = line.trim_start().strip_prefix("test result: ") else {
            return;
        };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(kind)) = (words.next().and_then(|n| n.parse::<u32>().ok()), words.next()) else {
                continue;
            };
            match kind {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// `Summary [   9.000s] 7 tests run: 5 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
    fn add_nextest(&mut self, line: &str) {
        let Some(rest) = line.trim_start().strip_prefix("Summary [") else { return };
        let Some((_, numbers)) = rest.split_once(" run: ") else { return };
        for part in numbers.trim_end().split(", ") {
            let Some((number, kind)) = part.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u32>() else { continue };
            // `6 passed (2 slow, 1 flaky)`: those in brackets are among the six.
            if kind.ends_with(')') && !kind.contains('(') {
                continue;
            }
            match kind.split(" (").next().unwrap_or(kind) {
                "passed" => self.passed += number,
                "skipped" => self.ignored += number,
                // Failed, timed out, could not be started.
                _ => self.failed += number,
            }
        }
    }

    /// `[INFO] Tests run: 5, Failures: 1, Errors: 0, Skipped: 0`, once for each module. The same with a time is of one
    /// class, and in the sum already.
    fn add_surefire(&mut self, line: &str) {
        let Some((level, numbers)) = line.trim().split_once("Tests run: ") else { return };
        let numbers: Vec<u32> = numbers
            .split(", ")
            .map_while(|part| part.rsplit(' ').next().and_then(|number| number.parse().ok()))
            .collect();
        let (true, [run, failures, errors, skipped]) = (level.starts_with('['), &numbers[..]) else { return };
        if line.contains("Time elapsed") {
            return;
        }
        self.failed += failures + errors;
        self.ignored += skipped;
        self.passed += run.saturating_sub(failures + errors + skipped);
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn surefire_is_counted_once_for_each_module() {
        let mut count = Count::default();
        for line in [
            "[INFO] Tests run: 5, Failures: 0, Errors: 0, Skipped: 1, Time elapsed: 1.2 s -- in dev.cones.EngineTest",
            "[ERROR] Tests run: 4, Failures: 1, Errors: 1, Skipped: 0, Time elapsed: 1 s <<< FAILURE! -- in x.Y",
            "Tests run: 100, Failures: 100, Errors: 0, Skipped: 0",
            "[ERROR] Tests run: 9, Failures: 1, Errors: 1, Skipped: 1",
            "[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0",
        ] {
            count.add(line);
        }
        assert_eq!(count, Count { passed: 9, failed: 2, ignored: 1 });
    }

    #[test]
    fn nextest_is_counted_by_its_closing_line() {
        let mut count = Count::default();
        for line in [
            "    Starting 9 tests across 42 binaries (2 tests skipped)",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 85 filtered out; finished in 8.45s",
            "        FAIL [   0.010s] (1/9) cones-core::pack Summary::of_3 passed",
            "     Summary [1695.762s] 9/11 tests run: 6 passed (2 slow, 1 flaky), 1 failed, 1 timed out, 1 exec failed, 2 skipped",
            "     Summary [   0.100s] 1 test run: 1 passed, 0 skipped",
        ] {
            count.add_nextest(line);
        }
        assert_eq!(count, Count { passed: 7, failed: 3, ignored: 2 });
    }

    #[test]
    fn result_lines_are_summed_and_nothing_else() -> std::io::Result<()> {
        let text = "\
running 3 tests
test a ... ok
I saw 7 passed; trains
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s
test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        let mut count = Count::default();
        let mut terminal = Vec::new();
        count.read(text.as_bytes(), &mut terminal)?;
        assert_eq!(terminal, text.as_bytes());
        assert_eq!(count, Count { passed: 7, failed: 2, ignored: 1 });
        Ok(())
    }
}
