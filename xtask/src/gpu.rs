//! `cargo xtask gpu`: everything that wants a GPU, for a machine that is lent for minutes. A session's tool reaches it, no command
//! here does: this prepares what travels, prints the calls to make, tries all of it out on the CPU, and takes in what comes back.

mod archive;
mod aside;
mod fatbin;
mod folders;
mod limits;
mod pieces;
mod provider;
mod rehearse;
mod settings;
mod step;
mod steps;
mod take;
mod train;
mod tree;

use std::path::Path;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::workspace::Workspace;
use aside::Aside;
use settings::Settings;
use step::Step;
use tree::Tree;

/// `gpu`, `gpu rehearse`, `gpu aside`, `gpu take FOLDER`, `gpu back`.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let (verb, rest) = match options.rest.split_first() {
        Some((verb, rest)) if !verb.starts_with('-') => (verb.as_str(), rest),
        _ => ("", options.rest.as_slice()),
    };
    let aside = Aside::of(workspace.root());
    match (verb, rest) {
        ("", rest) => {
            put_back(&aside)?;
            let settings = Settings::parse(rest)?;
            let steps = prepare(workspace, options, &settings)?;
            steps::print(&steps, &Tree::of(workspace.root()))?;
            println!("{}", closing());
            Ok(())
        }
        ("rehearse", rest) => {
            put_back(&aside)?;
            let settings = Settings::parse(rest)?.rehearsed();
            let steps = prepare(workspace, options, &settings)?;
            rehearse::run(workspace, &settings, &steps)
        }
        ("aside", []) => {
            aside.out()?;
            println!("aside: {}. `cargo xtask gpu back` puts it back.", aside.moved().join(", "));
            Ok(())
        }
        ("back", []) => put_back(&aside),
        ("take", [folder]) => take::run(workspace, Path::new(folder), &train::remembered(workspace)?),
        _ => Err(Failure::new(
            format!("`gpu {}` is not understood", options.rest.join(" ")),
            "`cargo xtask help` lists what there is.",
        )),
    }
}

/// A line for whoever runs another command while a folder is aside.
pub(crate) fn warn_of_moved(workspace: &Workspace) {
    for path in Aside::of(workspace.root()).moved() {
        eprintln!("warning: {path} is moved aside for a borrowed machine; `cargo xtask gpu back` puts it back");
    }
}

fn put_back(aside: &Aside<'_>) -> Result {
    for path in aside.back()? {
        println!("put back: {path}");
    }
    Ok(())
}

/// Fills the folders that calls carry, and gives the calls.
fn prepare(workspace: &Workspace, options: &Options, settings: &Settings) -> Result<Vec<Step>> {
    let begun = train::fill(workspace, settings)?;
    let pieces = if settings.provider { provider::fill(workspace, options)? } else { 0 };
    Ok(steps::plan(settings, begun, pieces))
}

/// What is done before, between and after the calls.
fn closing() -> String {
    format!(
        "\nBefore the first call: cargo xtask gpu aside. Each call at once after the one before: the machine goes when it is idle.\n\
         After each call from which files came (FOLDER is the reply's files_at):  cargo xtask gpu take FOLDER\n\
         A call that fails changes nothing for the next. At the end: give_back, then cargo xtask gpu back.\n\
         Should time run out, the last call may come earlier: it takes the last checkpoint. {}",
        "Nothing here asks for a machine by itself."
    )
}
