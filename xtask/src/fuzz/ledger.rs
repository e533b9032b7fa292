//! The sum of all runs, kept from one to the next.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// What a run, or all of them together, came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ran {
    /// Inputs tried.
    pub(super) executed: u64,
    /// Whole seconds of the slowest one.
    pub(super) slowest: u64,
    /// The most memory resident, the sanitizer's own included.
    pub(super) megabytes: u64,
    /// Whether nothing was found.
    pub(super) clean: bool,
}

/// A table in a file.
pub(super) struct Ledger {
    path: PathBuf,
    parsers: BTreeMap<String, Ran>,
}

impl Ledger {
    /// The one of earlier runs, or an empty one.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::file("read", path, &error)),
        };
        Ok(Self { path: path.to_owned(), parsers: text.lines().filter_map(parse).collect() })
    }

    /// Adds a run and writes it down at once.
    pub(super) fn add(&mut self, parser: &str, ran: &Ran) -> Result {
        let sum = self.parsers.entry(parser.to_owned()).or_insert(Ran { clean: true, ..Ran::default() });
        sum.executed += ran.executed;
        sum.slowest = sum.slowest.max(ran.slowest);
        sum.megabytes = sum.megabytes.max(ran.megabytes);
        // What was found and mended is in the tests; the last run counts.
        sum.clean = ran.clean;
        fs::write(&self.path, self.lines()).map_err(|error| Failure::file("write", &self.path, &error))
    }

    fn lines(&self) -> String {
        self.parsers.iter().fold(String::new(), |mut text, (parser, ran)| {
            let _ = writeln!(text, "{parser}\t{}\t{}\t{}\t{}", ran.executed, ran.slowest, ran.megabytes, ran.clean);
            text
        })
    }

    /// For people, in Markdown.
    pub(super) fn table(&self) -> String {
        let mut text = String::from(
            "| parser | inputs tried | slowest | memory | found in the last run |\n|---|---|---|---|---|\n",
        );
        for (parser, ran) in &self.parsers {
            let found = if ran.clean { "nothing" } else { "something" };
            let _ = writeln!(
                text,
                "| {parser} | {:.2} million | {} s | {} MB | {found} |",
                ran.executed as f64 / 1e6,
                ran.slowest,
                ran.megabytes
            );
        }
        let all: u64 = self.parsers.values().map(|ran| ran.executed).sum();
        let _ = writeln!(text, "| all | {:.2} million | | | |", all as f64 / 1e6);
        text
    }
}

fn parse(line: &str) -> Option<(String, Ran)> {
    let mut words = line.split('\t');
    let name = words.next()?.to_owned();
    let mut number = || words.next()?.parse().ok();
    let (executed, slowest, megabytes) = (number()?, number()?, number()?);
    let clean = words.next()? == "true";
    Some((name, Ran { executed, slowest, megabytes, clean }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn runs_are_added_up_over_processes() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let file = scratch.path().join("executed.tsv");
        let ran = Ran { executed: 1_500_000, slowest: 2, megabytes: 300, clean: false };
        Ledger::open(&file)?.add("pack", &ran)?;
        let mut ledger = Ledger::open(&file)?;
        ledger.add("pack", &Ran { slowest: 0, clean: true, ..ran })?;
        let expected = Ran { executed: 3_000_000, slowest: 2, megabytes: 300, clean: true };
        assert_eq!(ledger.parsers.get("pack"), Some(&expected));
        assert!(ledger.table().contains("| pack | 3.00 million | 2 s | 300 MB | nothing |"), "{}", ledger.table());
        Ok(())
    }
}
