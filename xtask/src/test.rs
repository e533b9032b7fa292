//! Every test of the workspace, with a count at the end.

use std::path::Path;

use crate::count::Count;
use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::workspace::Workspace;
use crate::{bindings as generated, demo, host, onnxruntime, open_nsfw, process};

/// Set-up, then `cargo test` in the release profile, for what is shipped is what is tested and `demo` built most of it;
/// then the tests in other languages.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    let mut count = Count::default();
    // Who asks for something in particular asks cargo.
    let all = options.rest.is_empty();
    let generator = if all { generated::begin(workspace, options) } else { None };
    let rust = rust(workspace, options, &library, &mut count);
    if let Some(mut begun) = generator {
        // Its outcome is found again below.
        let _ = begun.wait();
    }
    let others = if all {
        generated::tested(workspace, options)
            .and_then(|made| host::test(workspace, options, &library, made, &mut count))
    } else {
        Ok(())
    };
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

/// The tests in other languages alone, with the library as phones get it.
pub(crate) fn bindings(workspace: &Workspace, options: &Options) -> Result {
    let library = onnxruntime::set_up(workspace)?;
    let mut count = Count::default();
    let made = generated::build(workspace, options)?;
    demo::build(workspace, options)?;
    let outcome = host::test(workspace, options, &library, made, &mut count);
    close(&count);
    outcome
}

fn close(count: &Count) {
    println!("\n{} passed, {} failed, {} skipped", count.passed, count.failed, count.ignored);
}

fn rust(workspace: &Workspace, options: &Options, library: &Path, count: &mut Count) -> Result {
    let mut cargo = workspace.cargo(options, &["test", "--release", "--no-fail-fast"]);
    // One package can be asked for with `-p`; without that, all are meant.
    if !options.rest.iter().any(|argument| argument == "-p" || argument.starts_with("--package")) {
        cargo.arg("--workspace");
    }
    cargo.args(&options.rest).env(onnxruntime::VARIABLE, library);
    if let Some(classifier) = open_nsfw::for_tests(workspace) {
        cargo.env(open_nsfw::VARIABLE, classifier);
    }
    let status = count.run(&mut cargo)?;
    if status.success() {
        return Ok(());
    }
    let line = process::line(&cargo);
    Err(Failure::new(format!("`{line}` failed: {status}"), "The failures are listed above, each with its package."))
}
