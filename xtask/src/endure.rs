//! Long runs: `cargo xtask endure`. The tests are those that run everywhere a few times; here they run as often as asked for, alone,
//! and what they found stands in a table at the end.

mod told;

use std::process::Command;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::workspace::Workspace;
use crate::{bindings, demo, host, onnxruntime, process};
use told::Told;

/// Tells a test how often (`cones_tests::endure`, and `EndureTest` of Kotlin).
const TIMES: &str = "CONES_ENDURE";

/// A test in Rust: the test program it is in, what it is called, and how many of a hundred rounds are its.
struct Test {
    file: &'static str,
    name: &'static str,
    percent: u64,
}

const fn test(file: &'static str, name: &'static str, percent: u64) -> Test {
    Test { file, name, percent }
}

/// `find` is killed least, for each of its starts takes seconds.
const KILLS: [Test; 6] = [
    test("store", "killed::each_pack_is_whole_or_absent_after_each_kill", 25),
    test("cli", "killed_studio::what_the_studio_said_was_done_is_there_after_each_kill", 10),
    test("store", "killed::so_it_is_with_packs_that_are_being_downloaded", 15),
    test("bundle_store", "killed::the_bundle_is_whole_after_each_kill", 20),
    test("cli", "killed::what_is_published_is_whole_after_each_kill", 25),
    test("cli", "killed::what_was_learned_is_gone_on_from_after_each_kill", 5),
];
const CANCELS: [Test; 1] = [test("engine", "enduring::a_picture_after_many_cancelled_ones_is_the_first", 100)];
const PICTURES: [Test; 1] = [test("engine", "enduring::base_pictures_between_subjects_are_the_first", 100)];

/// What can be asked for, and how often it is done where no number is given.
const KINDS: [(&str, u64); 4] = [("kills", 1000), ("cancels", 10_000), ("pictures", 1000), ("handles", 1000)];

/// All kinds, or those that are named, each with its number or as often as it says.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let asked = parse(&options.rest)?;
    let library = onnxruntime::set_up(workspace)?;
    let mut told = Told::default();
    for (kind, times) in asked {
        println!("\n{kind}: {times}");
        let tests: &[Test] = match kind {
            "kills" => &KILLS,
            "cancels" => &CANCELS,
            "pictures" => &PICTURES,
            _ => {
                handles(workspace, options, times, &library, &mut told)?;
                continue;
            }
        };
        for test in tests {
            let times = (times * test.percent).div_ceil(100);
            // As `cargo xtask test` builds them: with one package alone the dependencies would have other features, and be built anew.
            let mut cargo = workspace.cargo(options, &["test", "--release", "--workspace", "--test", test.file]);
            cargo.args(["--", "--exact", test.name, "--include-ignored", "--nocapture"]);
            endure(cargo.env(onnxruntime::VARIABLE, &library), times, &mut told)?;
        }
    }
    print!("\n{}", told.table());
    Ok(())
}

/// Opens and closes through Kotlin.
fn handles(workspace: &Workspace, options: &Options, times: u64, library: &std::path::Path, told: &mut Told) -> Result {
    let made = bindings::build(workspace, options)?;
    demo::build(workspace, options)?;
    host::kotlin_alone(workspace, options, library, made, "EndureTest", |maven| endure(maven, times, told))
}

/// Runs a test with our terminal and keeps what it says that it endured.
fn endure(command: &mut Command, times: u64, told: &mut Told) -> Result {
    let line = process::line(command);
    let status = told.run(command.env(TIMES, times.to_string()))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`{TIMES}={times} {line}` failed: {status}"), "Its own words stand above."))
}

fn parse(words: &[String]) -> Result<Vec<(&'static str, u64)>> {
    let mut asked: Vec<(&'static str, u64)> = Vec::new();
    for word in words {
        let kind = KINDS.iter().find(|(kind, _)| kind == word);
        match (kind, word.parse::<u64>(), asked.last_mut()) {
            (Some(kind), ..) => asked.push(*kind),
            (None, Ok(times), Some((_, last))) if times > 0 => *last = times,
            _ => {
                let hint = "`cargo xtask endure [kills [N]] [cancels [N]] [pictures [N]] [handles [N]]`.";
                return Err(Failure::new(format!("endure `{word}`?"), hint));
            }
        }
    }
    Ok(if asked.is_empty() { KINDS.to_vec() } else { asked })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Vec<(&'static str, u64)>> {
        parse(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn numbers_belong_to_what_stands_before_them() -> Result {
        assert_eq!(parsed(&[])?, KINDS);
        assert_eq!(parsed(&["kills", "50", "handles"])?, [("kills", 50), ("handles", 1000)]);
        for wrong in [&["50"][..], &["kills", "0"], &["kills", "-1"], &["sleep"]] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
        Ok(())
    }

    #[test]
    fn a_thousand_kills_are_a_thousand() {
        assert_eq!(KILLS.iter().map(|test| test.percent).sum::<u64>(), 100);
    }
}
