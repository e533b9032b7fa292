//! Benches whose work is done by a script that needs nothing but Python itself: `cargo xtask bench find`, ways of finding neurons
//! side by side, `cargo xtask bench forms`, what small forms of Toybox lose, and `cargo xtask bench outline`, what a pack does to attention.

use crate::failure::Result;
use crate::options::Options;
use crate::python::Python;
use crate::workspace::Workspace;
use crate::{demo, onnxruntime, process};

/// The sections that there are; each one's script is `models/bench/SECTION.py`.
const SECTIONS: [&str; 3] = ["find", "forms", "outline"];

/// The section that is asked for, if it is one of these.
pub(crate) fn section(options: &Options) -> Option<&'static str> {
    let first = options.rest.first()?;
    SECTIONS.into_iter().find(|section| section == first)
}

/// Set-up, release build, then the comparison with all arguments.
pub(crate) fn run(workspace: &Workspace, options: &Options, section: &str) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    demo::build(workspace, options)?;
    let mut bench = Python::find()?.command();
    bench
        .current_dir(workspace.root())
        .env(onnxruntime::VARIABLE, library)
        .arg(format!("models/bench/{section}.py"))
        .arg("--cones")
        .arg(workspace.cones())
        .arg("--work")
        .arg(workspace.target().join("bench"))
        .args(&options.rest);
    process::run(&mut bench, "What Python wrote above says why. What was finished is kept: run it again to go on.")
}
