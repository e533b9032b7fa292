//! Benches whose work is done by a script. With the packages of the benches against Python: `cargo xtask bench boxes`, words drawn in boxes;
//! `table`, the paper's table; `scope`, where a mask's gain comes from; `ways`, what makes packs fit for pictures with several subjects. With nothing
//! but Python itself: `find`, ways of finding neurons side by side; `forms`, what small forms of Toybox lose; `outline`, what a pack does to
//! attention; `few-steps`, Toybox of four steps beside Toybox.

use crate::failure::Result;
use crate::options::Options;
use crate::python::Python;
use crate::venv::Dependencies;
use crate::workspace::Workspace;
use crate::{demo, onnxruntime, process, venv};

/// A section, and what does its work.
#[derive(Debug)]
pub(crate) struct Section {
    name: &'static str,
    script: &'static str,
    /// Whether it needs the packages of the benches against Python.
    packages: bool,
}

const SECTIONS: [Section; 8] = [
    Section { name: "boxes", script: "models/bench/boxes.py", packages: true },
    Section { name: "few-steps", script: "models/bench/few_steps.py", packages: false },
    Section { name: "find", script: "models/bench/find.py", packages: false },
    Section { name: "forms", script: "models/bench/forms.py", packages: false },
    Section { name: "outline", script: "models/bench/outline.py", packages: false },
    Section { name: "scope", script: "models/table/scope.py", packages: true },
    Section { name: "table", script: "models/table/table.py", packages: true },
    Section { name: "ways", script: "models/table/ways.py", packages: true },
];

/// The section that is asked for, if it is one of these.
pub(crate) fn section(options: &Options) -> Option<&'static Section> {
    let first = options.rest.first()?;
    SECTIONS.iter().find(|section| section.name == first)
}

/// Set-up, release build, then the comparison with all arguments.
pub(crate) fn run(workspace: &Workspace, options: &Options, section: &Section) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    demo::build(workspace, options)?;
    let python = if section.packages {
        let requirements = workspace.path("models/bench/requirements.txt");
        venv::prepare(&workspace.target().join("bench-venv"), &requirements, Dependencies::Listed)?
    } else {
        Python::find()?
    };
    let mut bench = python.command();
    bench
        .current_dir(workspace.root())
        .env(onnxruntime::VARIABLE, library)
        .arg(section.script)
        .arg("--cones")
        .arg(workspace.cones())
        .arg("--work")
        .arg(workspace.target().join("bench"))
        .args(&options.rest);
    process::run(&mut bench, "What Python wrote above says why. What was finished is kept: run it again to go on.")
}
