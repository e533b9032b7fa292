//! The sum of all runs on all machines: a table in the repository, to be committed with what was found.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::fuzz::sanitizer::Sanitizer;

/// What a run, or several together, came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ran {
    /// Inputs tried.
    pub(super) executed: u64,
    /// Seconds it was fed for.
    pub(super) seconds: u64,
    /// Whole seconds of the slowest input.
    pub(super) slowest: u64,
    /// The most memory resident, the fuzzer's own included.
    pub(super) megabytes: u64,
    /// Runs that found something.
    pub(super) found: u64,
}

const HEAD: &str = "parser\tsanitizer\tinputs\tseconds\tslowest_s\tmemory_mb\truns_with_a_finding\n";

/// A table in a file.
pub(super) struct Ledger {
    path: PathBuf,
    lock: PathBuf,
    sums: Sums,
}

type Sums = BTreeMap<(String, Sanitizer), Ran>;

impl Ledger {
    /// The one of earlier runs, or an empty one. `lock` is held while it is changed.
    pub(super) fn open(path: &Path, lock: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), lock: lock.to_owned(), sums: read(path)? })
    }

    /// Adds a run and writes it down at once, to what is there by now: several may fuzz beside each other.
    pub(super) fn add(&mut self, parser: &str, sanitizer: Sanitizer, ran: &Ran) -> Result {
        let failed = |error| Failure::file("lock", &self.lock, &error);
        let lock = fs::File::create(&self.lock).map_err(failed)?;
        lock.lock().map_err(failed)?;
        self.sums = read(&self.path)?;
        let sum = self.sums.entry((parser.to_owned(), sanitizer)).or_default();
        *sum = Ran {
            executed: sum.executed + ran.executed,
            seconds: sum.seconds + ran.seconds,
            slowest: sum.slowest.max(ran.slowest),
            megabytes: sum.megabytes.max(ran.megabytes),
            found: sum.found + ran.found,
        };
        // Whole or not at all: a sum must not be lost for being killed while it is written.
        let beside = self.path.with_extension("tsv.new");
        fs::write(&beside, self.lines())
            .and_then(|()| fs::rename(&beside, &self.path))
            .map_err(|error| Failure::file("write", &self.path, &error))
    }

    fn lines(&self) -> String {
        self.sums.iter().fold(HEAD.to_owned(), |mut text, ((parser, sanitizer), ran)| {
            let Ran { executed, seconds, slowest, megabytes, found } = ran;
            let _ = writeln!(text, "{parser}\t{sanitizer}\t{executed}\t{seconds}\t{slowest}\t{megabytes}\t{found}");
            text
        })
    }

    /// For people, in Markdown.
    pub(super) fn table(&self) -> String {
        let mut text = String::from(
            "| parser | sanitizer | inputs tried | a second | slowest | memory | runs with a finding |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for ((parser, sanitizer), ran) in &self.sums {
            let _ = writeln!(
                text,
                "| {parser} | {sanitizer} | {:.2} million | {} | {} s | {} MB | {} |",
                ran.executed as f64 / 1e6,
                ran.executed / ran.seconds.max(1),
                ran.slowest,
                ran.megabytes,
                ran.found
            );
        }
        let all: u64 = self.sums.values().map(|ran| ran.executed).sum();
        let _ = writeln!(text, "| all | | {:.2} million | | | | |", all as f64 / 1e6);
        text
    }
}

fn read(path: &Path) -> Result<Sums> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Sums::new()),
        Err(error) => return Err(Failure::file("read", path, &error)),
    };
    // A line that cannot be read would be a sum lost without a word.
    let sums = text.lines().skip(1).map(|line| {
        parse(line).ok_or_else(|| {
            let hint = "Mend the line: `git log` has what it was.";
            Failure::new(format!("{} has a line that is no sum: {line}", path.display()), hint)
        })
    });
    sums.collect()
}

fn parse(line: &str) -> Option<((String, Sanitizer), Ran)> {
    let words: Vec<&str> = line.split('\t').collect();
    let [parser, sanitizer, numbers @ ..] = words.as_slice() else { return None };
    let numbers: Vec<u64> = numbers.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let &[executed, seconds, slowest, megabytes, found] = numbers.as_slice() else { return None };
    let ran = Ran { executed, seconds, slowest, megabytes, found };
    Some((((*parser).to_owned(), Sanitizer::parse(sanitizer).ok()?), ran))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn runs_are_added_up_over_processes() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let (file, lock) = (scratch.path().join("executed.tsv"), scratch.path().join("lock"));
        let ran = Ran { executed: 1_500_000, seconds: 10, slowest: 2, megabytes: 300, found: 1 };
        Ledger::open(&file, &lock)?.add("pack", Sanitizer::None, &ran)?;
        let (mut ledger, mut beside) = (Ledger::open(&file, &lock)?, Ledger::open(&file, &lock)?);
        ledger.add("pack", Sanitizer::None, &Ran { slowest: 0, found: 0, ..ran })?;
        beside.add("pack", Sanitizer::Address, &Ran { executed: 1_000_000, ..Ran::default() })?;
        let (ledger, table) = (Ledger::open(&file, &lock)?, beside.table());
        assert_eq!(ledger.table(), table);
        assert!(table.contains("| pack | none | 3.00 million | 150000 | 2 s | 300 MB | 1 |"), "{table}");
        assert!(table.contains("| all | | 4.00 million |"), "{table}");
        Ok(())
    }

    #[test]
    fn a_damaged_sum_is_told_and_not_left_out() -> Result {
        let scratch = Scratch::new(&std::env::temp_dir())?;
        let (file, lock) = (scratch.path().join("executed.tsv"), scratch.path().join("lock"));
        for line in ["pack\tnone\t1\t2\t3\t4", "pack\tnone\t1\t2\t3\t4\tx", "pack\tother\t1\t2\t3\t4\t5", "<<<<<<<"] {
            fs::write(&file, format!("{HEAD}{line}\n")).map_err(|error| Failure::file("write", &file, &error))?;
            assert!(Ledger::open(&file, &lock).is_err(), "{line}");
        }
        Ok(())
    }
}
