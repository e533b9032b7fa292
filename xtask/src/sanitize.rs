//! The core's tests under sanitizers: `cargo xtask sanitize`.
//!
//! They are the compiler's own, which the stable one has as well (`RUSTC_BOOTSTRAP=1`). What runs under the thread sanitizer is built
//! with it from the standard library on, whose locks it has to see. ONNX Runtime comes compiled without either: what happens inside it
//! is not looked at, what our code hands to it and takes from it is.

use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::workspace::Workspace;
use crate::{onnxruntime, process};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// One of them: its name, what it is told at run time, and what is built anew for it.
struct Sanitizer {
    name: &'static str,
    settings: (&'static str, &'static str),
    more: &'static [&'static str],
}

const SANITIZERS: [Sanitizer; 2] = [
    // What ONNX Runtime keeps to the end of the process would be told as leaks.
    Sanitizer { name: "address", settings: ("ASAN_OPTIONS", "detect_leaks=0"), more: &[] },
    Sanitizer {
        name: "thread",
        settings: ("TSAN_OPTIONS", "ignore_noninstrumented_modules=1"),
        more: &["-Zbuild-std=std,panic_unwind"],
    },
];

/// What is tested: all of the core's own tests, and of those in files the ones in which threads meet.
const TESTS: [(&str, &[&str]); 4] = [
    ("--lib", &[]),
    ("--test=engine", &["cancelling::", "switching::", "queue::", "progress::"]),
    ("--test=download", &["cancelling::", "processes::", "frames::"]),
    ("--test=bundle_store", &["changing::", "processes::"]),
];

/// Both, or the one that is named.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let asked = parse(&options.rest)?;
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Failure::new("sanitizers are for x86-64 Linux alone here", "Run this on such a machine."));
    }
    let library = onnxruntime::set_up(workspace)?;
    for sanitizer in asked {
        if !sanitizer.more.is_empty() {
            has_source(workspace)?;
        }
        for (test, names) in TESTS {
            println!("\n{test} of cones-core under the {} sanitizer", sanitizer.name);
            process::run(
                &mut command(workspace, options, sanitizer, &library, test, names),
                "What was found stands above.",
            )?;
        }
    }
    println!("\nNothing was found.");
    Ok(())
}

fn command(
    workspace: &Workspace,
    options: &Options,
    sanitizer: &Sanitizer,
    library: &Path,
    test: &str,
    names: &[&str],
) -> Command {
    let mut cargo = workspace.cargo(options, &["test", "--release", "--target", TARGET]);
    cargo.args(sanitizer.more).args(["--package", "cones-core", test, "--"]).args(names);
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", format!("-Zsanitizer={}", sanitizer.name));
    cargo.env("CARGO_TARGET_DIR", workspace.target().join("sanitize").join(sanitizer.name));
    cargo.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true").env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
    // Places in what is found have lines.
    cargo.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
    let (name, value) = sanitizer.settings;
    cargo.env(name, value).env(onnxruntime::VARIABLE, library);
    cargo
}

/// Whether the standard library can be built.
fn has_source(workspace: &Workspace) -> Result {
    let asked = process::capture(Command::new("rustc").current_dir(workspace.root()).args(["--print", "sysroot"]))?;
    let root = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    if Path::new(&root).join("lib/rustlib/src/rust/library").is_dir() {
        return Ok(());
    }
    Err(Failure::new("the compiler has no source of the standard library", "`rustup component add rust-src`."))
}

fn parse(words: &[String]) -> Result<Vec<&'static Sanitizer>> {
    if words.is_empty() {
        return Ok(SANITIZERS.iter().collect());
    }
    let find = |word: &String| {
        let found = SANITIZERS.iter().find(|sanitizer| sanitizer.name == word);
        found.ok_or_else(|| Failure::new(format!("there is no sanitizer `{word}` here"), "`address` or `thread`."))
    };
    words.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitizers_are_named_or_both_are_meant() {
        let parse = |words: &[&str]| parse(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        let names = |found: Vec<&Sanitizer>| found.iter().map(|sanitizer| sanitizer.name).collect::<Vec<_>>();
        assert_eq!(parse(&[]).map(names).ok(), Some(vec!["address", "thread"]));
        assert_eq!(parse(&["thread"]).map(names).ok(), Some(vec!["thread"]));
        assert!(parse(&["memory"]).is_err());
    }
}
