//! Benches whose work is done by a script: `cargo xtask bench boxes`, words drawn in boxes, and some that need nothing but Python itself: `cargo xtask bench find`, ways of finding neurons
//! side by side, `cargo xtask bench forms`, what small forms of Toybox lose, `cargo xtask bench outline`, what a pack does to attention, and
//! `cargo xtask bench few-steps`, Toybox of four steps beside Toybox.

use crate::failure::Result;
use crate::options::Options;
use crate::python::Python;
use crate::venv::Dependencies;
use crate::workspace::Workspace;
use crate::{demo, onnxruntime, process, venv};

/// The sections that there are; each one's script is `models/bench/SECTION.py`, with `_` for `-`.
const SECTIONS: [&str; 5] = [WITH_PACKAGES, "few-steps", "find", "forms", "outline"];
/// The one that needs packages, which are those of the benches against Python.
const WITH_PACKAGES: &str = "boxes";

/// The section that is asked for, if it is one of these.
pub(crate) fn section(options: &Options) -> Option<&'static str> {
    let first = options.rest.first()?;
    SECTIONS.into_iter().find(|section| section == first)
}

/// Set-up, release build, then the comparison with all arguments.
pub(crate) fn run(workspace: &Workspace, options: &Options, section: &str) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    demo::build(workspace, options)?;
    let python = if section == WITH_PACKAGES {
        let requirements = workspace.path("models/bench/requirements.txt");
        venv::prepare(&workspace.target().join("bench-venv"), &requirements, Dependencies::Listed)?
    } else {
        Python::find()?
    };
    let mut bench = python.command();
    bench
        .current_dir(workspace.root())
        .env(onnxruntime::VARIABLE, library)
        .arg(format!("models/bench/{}.py", section.replace('-', "_")))
        .arg("--cones")
        .arg(workspace.cones())
        .arg("--work")
        .arg(workspace.target().join("bench"))
        .args(&options.rest);
    process::run(&mut bench, "What Python wrote above says why. What was finished is kept: run it again to go on.")
}
