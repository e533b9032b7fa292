//! `cones serve`, for as long as the tests run.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::failure::{Failure, Result};
use crate::workspace::Workspace;

/// A server on a free port of this machine; dropping it ends it.
pub(super) struct Server {
    process: Child,
    catalog: String,
}

impl Server {
    /// Serves a folder, and waits until it does.
    pub(super) fn start(workspace: &Workspace, folder: &Path) -> Result<Self> {
        let hint = "What it wrote above says why.";
        let failed = |why: String| Failure::new(format!("`cones serve` did not start: {why}"), hint);
        let mut command = Command::new(workspace.cones());
        command.arg("serve").arg(folder).args(["--port", "0"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let process = command.spawn().map_err(|error| failed(error.to_string()))?;
        // From here on it is ended whatever happens.
        let mut server = Self { process, catalog: String::new() };
        let output = server.process.stdout.take().ok_or_else(|| failed("it has no output".into()))?;
        BufReader::new(output).read_line(&mut server.catalog).map_err(|error| failed(error.to_string()))?;
        server.catalog.truncate(server.catalog.trim_end().len());
        if server.catalog.is_empty() { Err(failed("it named no address".into())) } else { Ok(server) }
    }

    /// The catalogue's URL.
    pub(super) fn catalog(&self) -> &str {
        &self.catalog
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If it has ended by itself there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
