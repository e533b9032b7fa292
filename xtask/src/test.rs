//! Every test of the workspace, with a count at the end.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::failure::{Failure, Result};
use crate::onnxruntime;
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// Set-up, then `cargo test` in the release profile: what is shipped is what is tested, and `demo` built most of it.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    let mut cargo = workspace.cargo(options, &["test", "--release", "--no-fail-fast"]);
    // One package can be asked for with `-p`; without that, all are meant.
    if !options.rest.iter().any(|argument| argument == "-p" || argument.starts_with("--package")) {
        cargo.arg("--workspace");
    }
    cargo.args(&options.rest).env(onnxruntime::VARIABLE, library).stdout(Stdio::piped());
    let line = process::line(&cargo);
    println!("{line}");

    let cannot = |error: std::io::Error| Failure::new(format!("cannot run `{line}`: {error}"), "Is cargo on the PATH?");
    let mut child = cargo.spawn().map_err(cannot)?;
    let mut count = Count::default();
    if let Some(output) = child.stdout.take() {
        count.read(BufReader::new(output), std::io::stdout()).map_err(cannot)?;
    }
    let status = child.wait().map_err(cannot)?;

    println!("\n{} passed, {} failed, {} skipped", count.passed, count.failed, count.ignored);
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`{line}` failed: {status}"), "The failures are listed above, each with its package."))
}

/// The sums of cargo's `test result:` lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Count {
    /// Passes everything on to `terminal` as it comes. Bytes, not lines of text: a test may print anything.
    fn read(&mut self, mut output: impl BufRead, mut terminal: impl Write) -> std::io::Result<()> {
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line)? > 0 {
            // A closed terminal must not stop the tests.
            let _ = terminal.write_all(&line);
            self.add(&String::from_utf8_lossy(&line));
            line.clear();
        }
        Ok(())
    }

    fn add(&mut self, line: &str) {
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
}

#[cfg(test)]
mod tests {
    use super::Count;

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
