//! `cargo xtask bench pack`: the coder of subject packs against the other ways to write a mask down. The work is done by
//! `tests/codecs`, a workspace of its own, so that nothing else builds the libraries that it compares with.

use crate::failure::Result;
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// The name of the section.
pub(crate) const SECTION: &str = "pack";

/// Builds and runs the comparison. What follows `pack` chooses masks by a part of their name, as `"SD 1.5 random"`.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let mut bench = workspace.cargo(options, &["run", "--release", "--quiet"]);
    bench.arg("--manifest-path").arg(workspace.path("tests/codecs/Cargo.toml"));
    // One folder for everything that is built: most of it is built already.
    bench.arg("--target-dir").arg(workspace.target());
    bench.arg("--").arg(workspace.path("models"));
    bench.args(options.rest.iter().filter(|argument| *argument != SECTION));
    process::run(&mut bench, "What cargo wrote above says why.")
}
