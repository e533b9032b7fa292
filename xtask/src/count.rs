//! The sums of the lines that tests close with: cargo's and Python's `test result:`, Surefire's `Tests run:`.

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
