//! rustfmt and clippy, where they are installed, and circles of files.

use std::process::Command;

use crate::circles;
use crate::failure::Result;
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// All of them; one that is not installed is skipped with a line that says so.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    circles::check(workspace)?;
    if is_there(workspace, "fmt", "rustfmt") {
        let mut fmt = workspace.cargo(&Options::default(), &["fmt", "--all", "--", "--check"]);
        process::run(&mut fmt, "`cargo fmt --all` mends it.")?;
        println!("rustfmt: clean");
    }
    if is_there(workspace, "clippy", "clippy") {
        let mut clippy = workspace.cargo(options, &["clippy", "--release", "--workspace", "--all-targets"]);
        process::run(clippy.args(["--", "-D", "warnings"]), "Mend what clippy names above.")?;
        println!("clippy: clean");
    }
    Ok(())
}

fn is_there(workspace: &Workspace, subcommand: &str, component: &str) -> bool {
    let mut command: Command = workspace.cargo(&Options::default(), &[subcommand, "--version"]);
    let there = process::capture(&mut command).is_ok_and(|output| output.status.success());
    if !there {
        println!("{component}: SKIPPED, not installed (rustup component add {component})");
    }
    there
}
