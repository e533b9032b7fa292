//! Times against Python. The work is done by `models/bench/bench.py`; this prepares what it needs.

use crate::failure::Result;
use crate::options::Options;
use crate::python::Python;
use crate::venv::Dependencies;
use crate::workspace::Workspace;
use crate::{demo, onnxruntime, process, venv};

/// Set-up, release build, Python environment, then the bench with all arguments.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    demo::build(workspace, options)?;
    let python = if draws_in_python(&options.rest) {
        let requirements = workspace.path("models/bench/requirements.txt");
        venv::prepare(&workspace.target().join("bench-venv"), &requirements, Dependencies::Listed)?
    } else {
        Python::find()?
    };
    let mut bench = python.command();
    bench
        .current_dir(workspace.root())
        .env(onnxruntime::VARIABLE, library)
        .arg("models/bench/bench.py")
        .arg("--cones")
        .arg(workspace.cones())
        .arg("--work")
        .arg(workspace.target().join("bench"))
        .args(&options.rest);
    process::run(&mut bench, "What Python wrote above says why.")
}

/// `picture`, or no section at all, which means all. The other two need no PyTorch.
fn draws_in_python(arguments: &[String]) -> bool {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    has("picture") || !(has("overhead") || has("switch"))
}

#[cfg(test)]
mod tests {
    use super::draws_in_python;

    #[test]
    fn pytorch_is_installed_for_pictures_alone() {
        let asks = |line: &str| {
            let arguments: Vec<String> = line.split_whitespace().map(String::from).collect();
            draws_in_python(&arguments)
        };
        assert!(asks("") && asks("--runs 3") && asks("switch picture"));
        assert!(!asks("overhead --runs 3") && !asks("switch"));
    }
}
