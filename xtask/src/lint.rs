//! Everything that is said of the code without running it.

use std::process::Command;

use crate::circles;
use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// One of them: it has said why when it fails.
type Check = fn(&Workspace, &Options) -> Result;

/// All of it, quick things first. Every one runs, whatever became of the others; a tool that is not installed is left out
/// with a line that says so.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let checks: [(&str, Check); 6] = [
        ("circles of files", |workspace, _| circles::check(workspace)),
        ("format", format),
        ("clippy", clippy),
        ("features", features),
        ("documentation", documentation),
        ("dependencies and spelling", outside),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        match check(workspace, options) {
            Ok(()) => println!("{name}: clean"),
            Err(failure) => {
                eprintln!("{failure}");
                failed.push(name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("not clean: {}", failed.join(", ")), "What each found stands above."))
}

fn format(workspace: &Workspace, _: &Options) -> Result {
    if !is_there(workspace, "fmt", "rustup component add rustfmt") {
        return Ok(());
    }
    let mut fmt = workspace.cargo(&Options::default(), &["fmt", "--all", "--", "--check"]);
    process::run(&mut fmt, "`cargo fmt --all` mends it.")
}

fn clippy(workspace: &Workspace, options: &Options) -> Result {
    if !is_there(workspace, "clippy", "rustup component add clippy") {
        return Ok(());
    }
    let mut clippy = workspace.cargo(options, &["clippy", "--release", "--workspace", "--all-targets"]);
    process::run(clippy.args(["--", "-D", "warnings"]), "Mend what clippy names above.")
}

/// The core without its default features, as an app takes it that needs no network.
fn features(workspace: &Workspace, options: &Options) -> Result {
    // clippy, and not check: it shares what it knows of the dependencies with the other one.
    if is_there(workspace, "clippy", "rustup component add clippy") {
        let bare = ["clippy", "--release", "--package", "cones-core", "--no-default-features"];
        let mut bare = workspace.cargo(options, &bare);
        process::run(
            bare.args(["--", "-D", "warnings"]),
            "Something uses what a feature brings without asking for it.",
        )?;
    }
    if !is_there(workspace, "hack", "cargo install cargo-hack --locked") {
        return Ok(());
    }
    let mut each = workspace.cargo(options, &["hack", "check", "--each-feature", "--package", "cones-core"]);
    process::run(&mut each, "One of the features does not build alone.")
}

fn documentation(workspace: &Workspace, options: &Options) -> Result {
    let mut doc = workspace.cargo(options, &["doc", "--release", "--workspace", "--no-deps"]);
    process::run(doc.env("RUSTDOCFLAGS", "-D warnings"), "Mend the documentation that rustdoc names above.")
}

fn outside(workspace: &Workspace, options: &Options) -> Result {
    if is_there(workspace, "deny", "cargo install cargo-deny --locked") {
        let mut deny = workspace.cargo(options, &["deny", "--workspace", "check"]);
        process::run(&mut deny, "deny.toml says what is allowed.")?;
    }
    match process::capture(Command::new("typos").arg("--version")) {
        Ok(_) => {
            process::run(Command::new("typos").current_dir(workspace.root()), "typos.toml lists what is meant so.")
        }
        Err(_) => {
            println!("typos: SKIPPED, not installed (cargo install typos-cli --locked)");
            Ok(())
        }
    }
}

fn is_there(workspace: &Workspace, subcommand: &str, how: &str) -> bool {
    let mut command: Command = workspace.cargo(&Options::default(), &[subcommand, "--version"]);
    let there = process::capture(&mut command).is_ok_and(|output| output.status.success());
    if !there {
        println!("cargo {subcommand}: SKIPPED, not installed ({how})");
    }
    there
}
