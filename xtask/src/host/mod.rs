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
mod kotlin;
mod python;
mod server;
mod swift;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bindings::Bindings;
use crate::count::Count;
use crate::failure::Result;
use crate::onnxruntime;
use crate::options::Options;
use crate::workspace::Workspace;

use fixture::Fixture;
use server::Server;

/// What the tests of every language are given.
struct Host<'a> {
    workspace: &'a Workspace,
    onnxruntime: PathBuf,
    bindings: Bindings,
    fixture: Fixture,
    server: Server,
}

/// Runs the tests of every language that this machine has. `cones` and the library are built already.
pub(crate) fn test(
    workspace: &Workspace,
    options: &Options,
    onnxruntime: &Path,
    bindings: Bindings,
    count: &mut Count,
) -> Result {
    let host = Host::prepare(workspace, onnxruntime, bindings)?;
    // Each language runs, whatever became of the others.
    let python = python::test(&host, count);
    let kotlin = kotlin::test(&host, options, count);
    let swift = swift::test(&host, count);
    python.and(kotlin).and(swift)
}

impl<'a> Host<'a> {
    fn prepare(workspace: &'a Workspace, onnxruntime: &Path, bindings: Bindings) -> Result<Self> {
        let fixture = Fixture::make(workspace, onnxruntime)?;
        let server = Server::start(workspace, &fixture.published())?;
        Ok(Self { workspace, onnxruntime: onnxruntime.to_owned(), bindings, fixture, server })
    }

    /// A program of a language, with everything its tests are given.
    fn give(&self, mut command: Command) -> Command {
        command
            .current_dir(self.workspace.root())
            .env("CONES_BINDINGS", self.bindings.generated())
            .env("CONES_LIBRARY", self.bindings.library.parent().unwrap_or(Path::new(".")))
            .env("CONES_BUNDLE", self.workspace.path(fixture::BUNDLE))
            .env("CONES_FIXTURE", self.fixture.path())
            .env("CONES_CATALOG", self.server.catalog())
            .env("CONES_KEY", self.fixture.key())
            .env(onnxruntime::VARIABLE, &self.onnxruntime);
        command
    }
}
