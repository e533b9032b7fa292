//! What the tests of every language are given.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::fixture::{self, Fixture};
use super::server::Server;
use crate::bindings::Bindings;
use crate::failure::Result;
use crate::onnxruntime;
use crate::workspace::Workspace;

/// What the tests of every language are given.
pub(super) struct Given<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) onnxruntime: PathBuf,
    pub(super) bindings: Bindings,
    pub(super) fixture: Fixture,
    pub(super) server: Server,
}

impl<'a> Given<'a> {
    pub(super) fn prepare(workspace: &'a Workspace, onnxruntime: &Path, bindings: Bindings) -> Result<Self> {
        let fixture = Fixture::make(workspace, onnxruntime)?;
        let server = Server::start(workspace, &fixture.published())?;
        Ok(Self { workspace, onnxruntime: onnxruntime.to_owned(), bindings, fixture, server })
    }

    /// A program of a language, with everything its tests are given.
    pub(super) fn pass_to(&self, mut command: Command) -> Command {
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
