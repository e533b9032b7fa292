//! Checkers that are not part of Rust's own toolchain, at pinned versions. They come compiled from PyPI (`xtask/tools.txt`): from
//! source they would take CI longer than what they check.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::venv::{self, Dependencies};
use crate::workspace::Workspace;

/// The folder that holds the programs.
#[derive(Debug, Clone)]
pub(crate) struct Tools(PathBuf);

impl Tools {
    /// Fetches what is not there yet; `None`, with a line that says so, where it cannot be had (no network, a system that it is not
    /// compiled for). In CI that is a failure: there nothing may be left out in silence.
    pub(crate) fn find(workspace: &Workspace) -> Result<Option<Self>> {
        let (folder, list) = (workspace.target().join("tools"), workspace.path("xtask/tools.txt"));
        match venv::install(&folder, &list, Dependencies::Listed, "Check the network and the disk.") {
            Ok(python) => Ok(python.path().parent().map(|bin| Self(bin.to_owned()))),
            Err(failure) if env::var_os("CI").is_some() => Err(failure),
            Err(failure) => {
                println!("{failure}\nSKIPPED: cargo deny, cargo hack, cargo nextest, typos");
                Ok(None)
            }
        }
    }

    /// One of the programs, in the root of the repository.
    pub(crate) fn program(&self, workspace: &Workspace, name: &str) -> Command {
        let mut command = Command::new(self.0.join(format!("{name}{}", env::consts::EXE_SUFFIX)));
        command.current_dir(workspace.root());
        command
    }

    /// `cargo`, which finds those of the programs that are its subcommands.
    pub(crate) fn cargo(&self, workspace: &Workspace, options: &Options, arguments: &[&str]) -> Result<Command> {
        let mut command = workspace.cargo(options, arguments);
        let rest = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.0.clone()).chain(env::split_paths(&rest));
        let path = env::join_paths(folders).map_err(|error| {
            Failure::new(
                format!("cannot put {} before PATH: {error}", self.0.display()),
                "Move the repository to another folder.",
            )
        })?;
        command.env("PATH", path);
        Ok(command)
    }
}
