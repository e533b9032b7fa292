//! What long runs say that they endured: lines of three parts with tabs between them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::{Failure, Result};
use crate::process;

/// What such a line begins with, wherever it stands in what a test's runner prints around it.
const SIGN: &str = "endured\t";

/// All that was said so far: of what, and what was found.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Told(Vec<(String, String)>);

impl Told {
    /// Runs a test with our terminal and keeps what it says.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<ExitStatus> {
        let line = process::line(command);
        println!("{line}");
        let cannot =
            |error: std::io::Error| Failure::new(format!("cannot run `{line}`: {error}"), "Is it on the PATH?");
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(cannot)?;
        let before = self.0.len();
        if let Some(output) = child.stdout.take() {
            self.read(BufReader::new(output), std::io::stdout()).map_err(cannot)?;
        }
        let status = child.wait().map_err(cannot)?;
        // A test that is no longer found ends well, too.
        if status.success() && self.0.len() == before {
            return Err(Failure::new(format!("`{line}` endured nothing"), "Is the test still called that?"));
        }
        Ok(status)
    }

    /// Passes everything on to `terminal` as it comes.
    fn read(&mut self, mut output: impl BufRead, mut terminal: impl Write) -> std::io::Result<()> {
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line)? > 0 {
            // A closed terminal must not stop a run of hours.
            let _ = terminal.write_all(&line);
            let text = String::from_utf8_lossy(&line);
            let said = text.split_once(SIGN).and_then(|(_, said)| said.trim_end().split_once('\t'));
            self.0.extend(said.map(|(what, found)| (what.to_owned(), found.to_owned())));
            line.clear();
        }
        Ok(())
    }

    /// As Markdown.
    pub(crate) fn table(&self) -> String {
        let rows: String = self.0.iter().map(|(what, found)| format!("| {what} | {found} |\n")).collect();
        format!("| what | found |\n|---|---|\n{rows}")
    }
}

#[cfg(test)]
mod tests {
    use super::Told;

    #[test]
    fn lines_are_found_in_what_runners_print_around_them() -> std::io::Result<()> {
        let text = "running 1 test\ntest killed::all ... endured\tkills\t5 kills, 0 broken\r\nok\nendured\tno more\n";
        let (mut told, mut terminal) = (Told::default(), Vec::new());
        told.read(text.as_bytes(), &mut terminal)?;
        assert_eq!(terminal, text.as_bytes());
        assert_eq!(told.table(), "| what | found |\n|---|---|\n| kills | 5 kills, 0 broken |\n");
        Ok(())
    }
}
