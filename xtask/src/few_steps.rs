//! `cargo xtask few-steps`: the bundle of Toybox that draws in four steps. The repository has what makes it of Toybox, a LoRA of 5 MB.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::venv::Dependencies;
use crate::workspace::Workspace;
use crate::{process, venv};

/// Exports Toybox with PyTorch, and imports it with the LoRA merged.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let out = match options.rest.as_slice() {
        [] => workspace.target().join("toybox-4-steps"),
        [out] if !out.starts_with('-') => std::path::absolute(out).unwrap_or_else(|_| PathBuf::from(out)),
        _ => return Err(Failure::new("that is not known", "`cargo xtask few-steps [OUT]`.")),
    };
    let work = workspace.target().join("few-steps");
    let requirements = workspace.path("models/export/requirements.txt");
    let python = venv::prepare(&work.join("venv"), &requirements, Dependencies::Resolved)?;
    let mut script = Command::new("bash");
    script.current_dir(workspace.root()).arg("models/toybox/few_steps.sh").arg(python.path()).arg(&work).arg(&out);
    process::run(&mut script, "What it wrote above says why. Run it again: the export is kept.")?;
    println!(
        "\nTo draw with it:\n  cones generate --bundle {} -p 'a dog and an apple on grass' -o dog.png",
        out.display()
    );
    Ok(())
}
