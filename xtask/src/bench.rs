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
    let python = if needs_packages(&options.rest) {
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

/// Everything but `overhead`, which times our own program alone.
fn needs_packages(arguments: &[String]) -> bool {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    has("picture") || has("switch") || !has("overhead")
}

#[cfg(test)]
mod tests {
    use super::needs_packages;

    #[test]
    fn pytorch_is_not_installed_for_our_own_overhead() {
        let asks = |line: &str| {
            let arguments: Vec<String> = line.split_whitespace().map(String::from).collect();
            needs_packages(&arguments)
        };
        assert!(asks("") && asks("--runs 3") && asks("overhead picture") && asks("switch --size sd15"));
        assert!(!asks("overhead --runs 3"));
    }
}
