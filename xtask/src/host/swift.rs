//! The Swift package: `swift test`, where there is a Swift.

use std::io::{BufRead, BufReader};
use std::process::Command;

use super::given::Given;
use crate::count::Count;
use crate::failure::{Failure, Result};
use crate::process;

const PACKAGE: &str = "ios";

/// That the code can be generated at all was checked before this, on every machine.
pub(super) fn test(given: &Given<'_>, count: &mut Count) -> Result {
    if !process::capture(Command::new("swift").arg("--version")).is_ok_and(|output| output.status.success()) {
        println!("swift test of {PACKAGE}/: SKIPPED, there is no `swift` on the PATH");
        return Ok(());
    }
    let mut take = Command::new(given.workspace.path(PACKAGE).join("take-generated.sh"));
    take.arg(given.bindings.generated().join("swift"));
    process::run(&mut take, "Its own words above say why.")?;

    let mut swift = given.pass_to(Command::new("swift"));
    swift.args(["test", "--package-path", PACKAGE, "--scratch-path"]).arg(given.workspace.target().join("swift"));
    let ended = run(swift, count)
        .map_err(|error| Failure::new(format!("cannot run `swift test`: {error}"), "Is Swift 6 installed whole?"))?;
    if ended.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`swift test` failed in {PACKAGE}/: {ended}"), "The failures are listed above."))
}

/// Runs XCTest with our terminal and adds up what it says of each test.
fn run(mut swift: Command, count: &mut Count) -> std::io::Result<std::process::ExitStatus> {
    println!("{}", process::line(&swift));
    // One pipe for both: XCTest speaks on standard output on Linux and on standard error on a Mac.
    let (reader, writer) = std::io::pipe()?;
    let mut child = swift.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // It holds the pipe's other end, and reading would never end.
    drop(swift);
    let mut ours = Count::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        add(&mut ours, &line);
    }
    println!("{} passed, {} failed, {} skipped (Swift)", ours.passed, ours.failed, ours.ignored);
    count.passed += ours.passed;
    count.failed += ours.failed;
    count.ignored += ours.ignored;
    child.wait()
}

/// `Test Case 'Class.test' passed (0.1 seconds)`.
fn add(count: &mut Count, line: &str) {
    let Some((_, verdict)) = line.strip_prefix("Test Case '").and_then(|rest| rest.split_once("' ")) else { return };
    match verdict.split_whitespace().next() {
        Some("passed") => count.passed += 1,
        Some("failed") => count.failed += 1,
        Some("skipped") => count.ignored += 1,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, add};

    #[test]
    fn tests_are_counted_one_by_one() {
        let mut count = Count::default();
        let lines = "\
Test Suite 'StopTests' started at 2026-11-22 04:40:04.493
Test Case 'StopTests.test_a' started at 2026-11-22 04:40:04.493
Test Case 'StopTests.test_a' passed (0.784 seconds)
Test Case '-[ConesTests.StopTests test_b]' failed (0.844 seconds).
Test Case 'StopTests.test_c' skipped (0.001 seconds)
\t Executed 3 tests, with 1 test skipped and 2 failures (0 unexpected) in 2.071 (2.071) seconds";
        lines.lines().for_each(|line| add(&mut count, line));
        assert_eq!(count, Count { passed: 1, failed: 1, ignored: 1 });
    }
}
