//! Tests of the bindings in the languages that use them.
//!
//! Every language's tests have the same names and are given the same things, by environment variables:
//!
//! | variable | what |
//! |---|---|
//! | `CONES_BINDINGS` | folder with a folder of generated code for each language |
//! | `CONES_LIBRARY` | folder of the shared library |
//! | `CONES_BUNDLE` | folder of the base model |
//! | `CONES_FIXTURE` | folder with `base.png` and `subject.png`, drawn by `cones generate`, and `fluent-dog.cones` |
//! | `CONES_CATALOG` | URL of a catalogue, served on this machine, with that pack and that base model |
//! | `CONES_KEY` | its publisher's public key |
//! | `ORT_DYLIB_PATH` | ONNX Runtime |

mod fixture;
mod given;
mod kotlin;
mod python;
mod server;
mod swift;

use std::path::Path;
use std::process::Command;

use crate::bindings::Bindings;
use crate::count::Count;
use crate::failure::Result;
use crate::options::Options;
use crate::workspace::Workspace;
use given::Given;

/// Runs the tests of every language that this machine has. `cones` and the library are built already.
pub(crate) fn test(
    workspace: &Workspace,
    options: &Options,
    onnxruntime: &Path,
    bindings: Bindings,
    count: &mut Count,
) -> Result {
    let given = Given::prepare(workspace, onnxruntime, bindings)?;
    // Each language runs, whatever became of the others.
    let python = python::test(&given, count);
    let kotlin = kotlin::test(&given, options, count);
    let swift = swift::test(&given, count);
    python.and(kotlin).and(swift)
}

/// Lets `run` have Maven for one class of the Kotlin tests, with what they are given. `cones` and the library are built already.
pub(crate) fn kotlin_alone(
    workspace: &Workspace,
    options: &Options,
    onnxruntime: &Path,
    bindings: Bindings,
    class: &str,
    run: impl FnOnce(&mut Command) -> Result,
) -> Result {
    let given = Given::prepare(workspace, onnxruntime, bindings)?;
    run(&mut kotlin::alone(&given, options, class)?)
}
