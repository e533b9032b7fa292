//! Fuzzing: `cargo xtask fuzz`, with libFuzzer through cargo-fuzz, on the stable compiler.
//!
//! What was found of inputs is kept in `target/fuzz`, so the next run goes on from there. The sum of all runs is in the repository.

mod asked;
mod fuzzer;
mod ledger;
mod sanitizer;
mod told;
mod turns;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::workspace::Workspace;
use asked::Asked;
use fuzzer::{Fuzzer, WORKSPACE};
use ledger::Ledger;

/// The sum of all runs.
const LEDGER: &str = "tests/fuzz/executed.tsv";

/// Builds the targets and feeds each for its share of the time, or until Ctrl-C. Fails when one of them found something, and says
/// where it lies.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let work = workspace.target().join("fuzz");
    let known = parsers(workspace)?;
    let asked = Asked::parse(&options.rest, &known)?;
    fs::create_dir_all(&work).map_err(|error| Failure::file("create", &work, &error))?;
    let stopped = Arc::new(AtomicBool::new(false));
    let program = Fuzzer::set_up(workspace, options)?;
    let fuzzer = Fuzzer { program, workspace, work: &work, sanitizer: asked.sanitizer, stopped: &stopped };
    fuzzer.build()?;
    // From here on there is a sum to be kept.
    let stop = Arc::clone(&stopped);
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed))
        .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}"), "Try again."))?;
    let mut ledger = Ledger::open(&workspace.path(LEDGER), &work.join("executed.lock"))?;
    let share = (asked.minutes * 60.0 / asked.parsers.len() as f64).ceil() as u64;
    let mut found = BTreeSet::new();
    'turns: for seconds in turns::turns(share) {
        for parser in &asked.parsers {
            if found.contains(parser.as_str()) {
                // It would find that again and nothing else.
                continue;
            }
            let ran = fuzzer.feed(parser, seconds)?;
            ledger.add(parser, asked.sanitizer, &ran)?;
            println!("{parser}: {} inputs in {} s", ran.executed, ran.seconds);
            if ran.found > 0 {
                println!("{parser}: something was found");
                found.insert(parser.as_str());
            }
            if stopped.load(Ordering::Relaxed) {
                println!("Stopped.");
                break 'turns;
            }
        }
    }
    if asked.keep && !stopped.load(Ordering::Relaxed) {
        asked.parsers.iter().try_for_each(|parser| fuzzer.keep(parser))?;
    }
    print!("{}", ledger.table());
    if found.is_empty() {
        return Ok(());
    }
    let hint = format!("The inputs are in {}; make a test of each.", work.join("found").display());
    let names = found.into_iter().collect::<Vec<_>>().join(", ");
    Err(Failure::new(format!("something was found: {names}"), hint))
}

/// The names of the targets, in their order.
fn parsers(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.path(WORKSPACE).join("fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| Failure::file("read", &folder, &error))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}
