//! `cargo xtask bench forms`: what small forms of Toybox lose. The work is done by `models/bench/forms.py`, which
//! needs nothing but Python itself.

use crate::failure::Result;
use crate::options::Options;
use crate::python::Python;
use crate::workspace::Workspace;
use crate::{demo, onnxruntime, process};

/// The name of the section.
pub(crate) const SECTION: &str = "forms";

/// Set-up, release build, then the comparison with all arguments.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    demo::build(workspace, options)?;
    let mut bench = Python::find()?.command();
    bench
        .current_dir(workspace.root())
        .env(onnxruntime::VARIABLE, library)
        .arg("models/bench/forms.py")
        .arg("--cones")
        .arg(workspace.cones())
        .arg("--work")
        .arg(workspace.target().join("bench"))
        .args(&options.rest);
    process::run(&mut bench, "What Python wrote above says why. What was finished is kept: run it again to go on.")
}
