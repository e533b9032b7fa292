//! From an empty machine to pictures on the disk.

use std::process::Command;

use crate::failure::Result;
use crate::onnxruntime;
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// Set-up, build, a sheet of pictures.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    build(workspace, options)?;
    let out = workspace.target().join("demo");
    let mut cones = Command::new(workspace.cones());
    cones
        .current_dir(workspace.root())
        .env(onnxruntime::VARIABLE, library)
        .args(["sheet", "--bundle", "models/toybox/bundle", "--out"])
        .arg(&out)
        .args(&options.rest);
    process::run(&mut cones, "What it wrote above says why.")?;
    println!("\nThe pictures are in {}", out.display());
    Ok(())
}

/// Builds `target/release/cones`.
pub(crate) fn build(workspace: &Workspace, options: &Options) -> Result {
    let mut cargo = workspace.cargo(options, &["build", "--release", "--package", "cones-companion"]);
    process::run(&mut cargo, "The compiler's words above say why. Without a network, run `cargo fetch` once with one.")
}
