//! An open `cones studio`, which ends with its owner.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::tool::Desk;

/// An open studio.
pub(crate) struct OpenStudio {
    pub(crate) child: Child,
    /// Where it listens, as `127.0.0.1:8777`.
    pub(crate) host: String,
    /// What lets its user in.
    pub(crate) token: String,
}

impl OpenStudio {
    /// Opens one at a free port, and waits until it says where.
    pub(crate) fn new(desk: &Desk, folder: &str) -> Self {
        let command = ["studio", "--no-open", "--port", "0", "--folder", folder];
        let mut child = desk.cones(&command).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("cones runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("http://").unwrap_or_else(|| panic!("`{line}` is no address"));
        let (host, target) = address.split_once('/').expect("a path");
        let token = target.strip_prefix("?token=").expect("a token").to_owned();
        Self { child, host: host.to_owned(), token }
    }
}

impl Drop for OpenStudio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
