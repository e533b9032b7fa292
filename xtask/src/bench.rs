//! Times against Python. The work is done by `models/bench/bench.py`; this prepares what it needs.

use std::path::PathBuf;

use crate::failure::Result;
use crate::options::Options;
use crate::python::Python;
use crate::venv::Dependencies;
use crate::workspace::Workspace;
use crate::{demo, onnxruntime, process, venv};

/// The section that has a program of its own.
const GRADIENT: &str = "gradient";
/// The section that runs that program too.
const SIZE: &str = "size";

/// Set-up, release build, Python environment, then the bench with all arguments.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    demo::build(workspace, options)?;
    let steps_of_find = options.rest.iter().any(|argument| argument == GRADIENT || argument == SIZE);
    let gradient = steps_of_find.then(|| build_gradient(workspace, options));
    let gradient = gradient.transpose()?;
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
        .arg(workspace.target().join("bench"));
    if let Some(program) = gradient {
        bench.arg("--gradient-bench").arg(program);
    }
    bench.args(&options.rest);
    process::run(&mut bench, "What Python wrote above says why.")
}

/// Builds our program for steps of `cones find`, with CUDA where it is asked for.
fn build_gradient(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    let mut cargo = workspace.cargo(options, &["build", "--release", "--package", "cones-find"]);
    cargo.args(["--example", "gradient_bench"]);
    if asks_for_cuda(&options.rest) {
        cargo.args(["--features", "cuda"]);
    }
    process::run(&mut cargo, "The compiler's words above say why.")?;
    Ok(workspace.built().join("release/examples").join(format!("gradient_bench{}", std::env::consts::EXE_SUFFIX)))
}

fn asks_for_cuda(arguments: &[String]) -> bool {
    let follows = arguments.windows(2).any(|pair| pair == ["--provider", "cuda"]);
    follows || arguments.iter().any(|argument| argument == "--provider=cuda")
}

/// Everything but `overhead`, which times our own program alone.
fn needs_packages(arguments: &[String]) -> bool {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    has("picture") || has("switch") || has(GRADIENT) || !has("overhead")
}

#[cfg(test)]
mod tests {
    use super::{asks_for_cuda, needs_packages};

    #[test]
    fn pytorch_is_not_installed_for_our_own_overhead() {
        let asks = |line: &str| {
            let arguments: Vec<String> = line.split_whitespace().map(String::from).collect();
            needs_packages(&arguments)
        };
        assert!(asks("") && asks("--runs 3") && asks("overhead picture") && asks("switch --size sd15"));
        assert!(!asks("overhead --runs 3"));
        assert!(asks("overhead gradient"));
    }

    #[test]
    fn cuda_is_built_in_where_it_is_asked_for() {
        let asks = |line: &str| {
            let arguments: Vec<String> = line.split_whitespace().map(String::from).collect();
            asks_for_cuda(&arguments)
        };
        assert!(asks("gradient --provider cuda --runs 3") && asks("gradient --provider=cuda"));
        assert!(!asks("gradient --provider cpu") && !asks("gradient cuda"));
    }
}
