//! What the lending tool takes and gives, as its manual says, so that a mistake shows before the machine's time runs.

use std::path::Path;

use crate::failure::{Failure, Result};
use crate::gpu::step::Step;

/// The working tree with everything that is carried, in bytes.
pub(crate) const TREE: u64 = 64 << 20;
/// What the tool may count that we do not: names, modes, block sizes.
pub(crate) const MARGIN: u64 = 2 << 20;
/// One file that comes back, in bytes.
const FILE_BACK: u64 = 16 << 20;
/// All files that come back, in bytes.
const ALL_BACK: u64 = 64 << 20;
/// Their number.
const FILES_BACK: usize = 8;
/// A command's characters.
const COMMAND: usize = 2000;
/// Paths in `carry`, and their characters.
const CARRIED: (usize, usize) = (8, 200);
/// Seconds of one command.
const SECONDS: u32 = 600;

/// Whether the tool would take this call; `bytes` is all that would travel with it.
pub(crate) fn going(step: &Step, bytes: u64) -> Result {
    let fault = if step.command.chars().count() > COMMAND {
        format!("its command has {} characters, of {COMMAND} at most", step.command.chars().count())
    } else if step.carry.len() > CARRIED.0 || step.carry.iter().any(|path| path.chars().count() > CARRIED.1) {
        format!("it carries more than {} paths, or one of more than {} characters", CARRIED.0, CARRIED.1)
    } else if step.timeout == 0 || step.timeout > SECONDS {
        format!("it asks for {} seconds, of {SECONDS} at most", step.timeout)
    } else if bytes + MARGIN > TREE {
        format!("{} would travel, of {} at most", mebibytes(bytes), mebibytes(TREE - MARGIN))
    } else {
        return Ok(());
    };
    Err(Failure::new(format!("step '{}' would be refused: {fault}", step.title), "Send less, or in more steps."))
}

/// Whether everything a command left in its folder would come back; `files` are paths in it with their sizes.
pub(crate) fn coming<'a>(files: impl IntoIterator<Item = (&'a Path, u64)>) -> Result {
    let files: Vec<_> = files.into_iter().collect();
    let all: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let fault = if files.len() > FILES_BACK {
        format!("{} files, of {FILES_BACK} at most", files.len())
    } else if all > ALL_BACK {
        format!("{} in all, of {} at most", mebibytes(all), mebibytes(ALL_BACK))
    } else if let Some((path, bytes)) = files.iter().find(|(_, bytes)| *bytes > FILE_BACK) {
        format!("{} with {}, of {} at most", path.display(), mebibytes(*bytes), mebibytes(FILE_BACK))
    } else if let Some((path, _)) = files.iter().find(|(path, _)| !comes(path)) {
        format!("{}: too deep, or a name with other characters than letters, digits, '.', '_' and '-'", path.display())
    } else {
        return Ok(());
    };
    Err(Failure::new(format!("not everything would come back: {fault}"), "Put less into $OUT."))
}

/// At most two folders down, with plain names.
fn comes(path: &Path) -> bool {
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    path.components().count() <= 3 && path.iter().all(|part| part.to_str().is_some_and(plain))
}

/// As the limits are stated.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(command: &str, carry: &[&str], timeout: u32) -> Step {
        let carry = carry.iter().map(ToString::to_string).collect();
        Step { title: "t".into(), command: command.into(), carry, timeout }
    }

    #[test]
    fn a_call_is_held_against_every_limit() {
        let good = step("true", &[".gpu/train"], 600);
        assert!(going(&good, TREE - MARGIN).is_ok());
        let refused = |step: &Step, bytes, word: &str| {
            let failure = going(step, bytes).unwrap_err().to_string();
            assert!(failure.contains(word), "{failure}");
        };
        refused(&good, TREE - MARGIN + 1, "MiB would travel");
        refused(&step(&"x".repeat(2001), &[], 1), 0, "2001 characters");
        refused(&step("true", &["a"; 9], 1), 0, "8 paths");
        refused(&step("true", &[&"a".repeat(201)], 1), 0, "200 characters");
        refused(&step("true", &[], 601), 0, "601 seconds");
        refused(&step("true", &[], 0), 0, "0 seconds");
    }

    #[test]
    fn what_comes_back_is_held_against_every_limit() {
        let files = |list: &[(&'static str, u64)]| -> Vec<(&'static Path, u64)> {
            list.iter().map(|(name, bytes)| (Path::new(*name), *bytes)).collect()
        };
        assert!(coming(files(&[("weights.000", 16 << 20), ("a/b/c-1_2.txt", 5)])).is_ok());
        assert!(coming(files(&[("x", 1); 8])).is_ok());
        for (list, word) in [
            (vec![("x", 1); 9], "9 files"),
            (vec![("x", (16 << 20) + 1)], "x with"),
            (vec![("x", 15 << 20); 5], "in all"),
            (vec![("a/b/c/d", 1)], "too deep"),
            (vec![("a b", 1)], "other characters"),
        ] {
            let failure = coming(files(&list)).unwrap_err().to_string();
            assert!(failure.contains(word), "{failure}");
        }
    }
}
