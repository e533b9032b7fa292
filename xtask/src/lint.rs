//! Everything that is said of the code without running it.

use std::process::Command;

use crate::circles;
use crate::dependencies;
use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::process;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// One of them: it has said why when it fails.
type Check = fn(&Workspace, &Options) -> Result;

/// All of it, quick things first. Every one runs, whatever became of the others; a tool that cannot be had is left out with a line
/// that says so, and in CI fails.
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

/// The core with each of its features alone and with none, as apps take it.
fn features(workspace: &Workspace, options: &Options) -> Result {
    let Some(tools) = Tools::find(workspace)? else { return Ok(()) };
    if !is_there(workspace, "clippy", "rustup component add clippy") {
        return Ok(());
    }
    // clippy, and not check: it shares what it knows of the dependencies with the other one.
    let mut each = tools.cargo(workspace, options, &["hack", "clippy", "--release", "--package", "cones-core"])?;
    // One at a time; the providers, which are alike, together. With `default` it was looked at above.
    each.args(["--feature-powerset", "--depth", "1", "--group-features", "coreml,cuda,nnapi,xnnpack"]);
    each.args(["--exclude-features", "default"]);
    process::run(each.args(["--", "-D", "warnings"]), "Something uses what a feature brings without asking for it.")
}

fn documentation(workspace: &Workspace, options: &Options) -> Result {
    let mut doc = workspace.cargo(options, &["doc", "--release", "--workspace", "--no-deps"]);
    process::run(doc.env("RUSTDOCFLAGS", "-D warnings"), "Mend the documentation that rustdoc names above.")
}

/// Licences, sources and twofold versions of dependencies, and spelling. Advisories are `cargo xtask advisories`: they come on
/// days without commits, and their list lies on the network.
fn outside(workspace: &Workspace, _: &Options) -> Result {
    let Some(tools) = Tools::find(workspace)? else { return Ok(()) };
    dependencies::check(workspace, &tools, &["bans", "licenses", "sources"])?;
    process::run(&mut tools.program(workspace, "typos"), "typos.toml lists what is meant so.")
}

fn is_there(workspace: &Workspace, subcommand: &str, how: &str) -> bool {
    let mut command: Command = workspace.cargo(&Options::default(), &[subcommand, "--version"]);
    let there = process::capture(&mut command).is_ok_and(|output| output.status.success());
    if !there {
        println!("cargo {subcommand}: SKIPPED, not installed ({how})");
    }
    there
}
