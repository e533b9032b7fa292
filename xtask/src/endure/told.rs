//! What long runs say that they endured: lines of three parts with tabs between them.

use std::process::{Command, ExitStatus};

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
        let before = self.0.len();
        let status = process::watch(command, |line| self.add(line))?;
        // A test that is no longer found ends well, too.
        if status.success() && self.0.len() == before {
            return Err(Failure::new(
                format!("`{}` endured nothing", process::line(command)),
                "Is the test still called that?",
            ));
        }
        Ok(status)
    }

    fn add(&mut self, line: &str) {
        let said = line.split_once(SIGN).and_then(|(_, said)| said.trim_end().split_once('\t'));
        self.0.extend(said.map(|(what, found)| (what.to_owned(), found.to_owned())));
    }

    /// As Markdown.
    pub(crate) fn table(&self) -> String {
        let rows: String = self.0.iter().map(|(what, found)| format!("| {what} | {found} |\n")).collect();
        format!("| what | found |\n|---|---|\n{rows}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_in_what_runners_print_around_them() -> std::io::Result<()> {
        let text = "running 1 test\ntest killed::all ... endured\tkills\t5 kills, 0 broken\r\nok\nendured\tno more\n";
        let (mut told, mut terminal) = (Told::default(), Vec::new());
        process::pass_on(text.as_bytes(), &mut terminal, |line| told.add(line))?;
        assert_eq!(terminal, text.as_bytes());
        assert_eq!(told.table(), "| what | found |\n|---|---|\n| kills | 5 kills, 0 broken |\n");
        Ok(())
    }
}
