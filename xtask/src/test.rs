//! Every test of the workspace, with a count at the end.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::count::Count;
use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::tools::Tools;
use crate::workspace::Workspace;
use crate::{bindings as generated, demo, host, onnxruntime, open_nsfw, process};

/// What `test-bindings` is given for the library that the Rust tests were built with, which this command has built already.
const BUILT: &str = "--built";

/// Set-up, then every test in the release profile, for what is shipped is what is tested and `demo` built most of it.
/// The tests in other languages run beside those in Rust, and are told after them.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    let mut count = Count::default();
    // Who asks for something in particular asks cargo.
    if !options.rest.is_empty() {
        let rust = rust(workspace, options, &library, &mut count);
        close(&count);
        return rust;
    }
    let generator = generated::begin(workspace, options);
    let mut build = cargo(workspace, options, &["--no-run"], &library);
    let built = process::run(&mut build, "The compiler's words above say why.");
    if let Some(mut begun) = generator {
        // Its outcome is found again by the tests in other languages.
        let _ = begun.wait();
    }
    built?;
    let others = Beside::begin(workspace, options, &library)?;
    let rust = rust(workspace, options, &library, &mut count);
    let others = others.end(&mut count);
    close(&count);
    match (rust, others) {
        // Both are told.
        (Err(first), Err(second)) => {
            eprintln!("{second}");
            Err(first)
        }
        (rust, others) => rust.and(others),
    }
}

/// The tests in other languages alone, with the library as phones get it, or with `--built` the one that is there.
pub(crate) fn bindings(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    let mut count = Count::default();
    let made = if options.rest.iter().any(|argument| argument == BUILT) {
        generated::tested(workspace, options)?
    } else {
        let made = generated::build(workspace, options)?;
        demo::build(workspace, options)?;
        made
    };
    let outcome = host::test(workspace, options, &library, made, &mut count);
    close(&count);
    outcome
}

/// `cargo xtask test-bindings --built` in a process beside this one. Most of its time is Maven's, on one core.
struct Beside {
    process: Child,
    log: PathBuf,
}

impl Beside {
    fn begin(workspace: &Workspace, options: &Options, library: &Path) -> Result<Self> {
        let log = workspace.target().join("test-bindings.log");
        let failed = |error: std::io::Error| Failure::file("write", &log, &error);
        let output = File::create(&log).map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.current_dir(workspace.root()).args(["test-bindings", BUILT]);
        command.args(options.offline.then_some("--offline")).env(onnxruntime::VARIABLE, library);
        command.stdin(Stdio::null()).stderr(output.try_clone().map_err(failed)?).stdout(output);
        let process = command.spawn().map_err(failed)?;
        Ok(Self { process, log })
    }

    /// Waits for it, prints all that it wrote and counts its tests.
    fn end(mut self, count: &mut Count) -> Result {
        let failed = |error: std::io::Error| Failure::file("read", &self.log, &error);
        let status = self.process.wait().map_err(failed)?;
        let output = BufReader::new(File::open(&self.log).map_err(failed)?);
        count.read(output, std::io::stdout()).map_err(failed)?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("the tests in other languages failed: {status}"), "Their own words stand above."))
    }
}

fn close(count: &Count) {
    println!("\n{} passed, {} failed, {} skipped", count.passed, count.failed, count.ignored);
}

/// With nextest, and then the examples in the documentation, which it does not run; with cargo alone where nextest cannot be had, or
/// where something in particular is asked for.
fn rust(workspace: &Workspace, options: &Options, library: &Path, count: &mut Count) -> Result {
    let classifier = open_nsfw::for_tests(workspace);
    let tools = if options.rest.is_empty() { Tools::find(workspace)? } else { None };
    let Some(tools) = tools else {
        let mut all = cargo(workspace, options, &["--no-fail-fast"], library);
        all.envs(classifier.map(|path| (open_nsfw::VARIABLE, path)));
        let status = count.run(&mut all)?;
        return told(&all, status);
    };
    let mut each = tools.cargo(workspace, options, &["nextest", "run", "--release", "--workspace"])?;
    each.env(onnxruntime::VARIABLE, library).envs(classifier.map(|path| (open_nsfw::VARIABLE, path)));
    let status = count.run_nextest(&mut each)?;
    println!("for other programs: {}", workspace.path("target/nextest/default/junit.xml").display());
    let mut examples = cargo(workspace, options, &["--doc"], library);
    let examples_status = count.run(&mut examples)?;
    told(&each, status).and(told(&examples, examples_status))
}

fn told(command: &Command, status: ExitStatus) -> Result {
    if status.success() {
        return Ok(());
    }
    let line = process::line(command);
    Err(Failure::new(format!("`{line}` failed: {status}"), "The failures are listed above, each with its package."))
}

fn cargo(workspace: &Workspace, options: &Options, how: &[&str], library: &Path) -> Command {
    let mut cargo = workspace.cargo(options, &["test", "--release"]);
    // One package can be asked for with `-p`; without that, all are meant.
    if !options.rest.iter().any(|argument| argument == "-p" || argument.starts_with("--package")) {
        cargo.arg("--workspace");
    }
    cargo.args(how).args(&options.rest).env(onnxruntime::VARIABLE, library);
    cargo
}
