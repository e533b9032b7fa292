//! Python 3 with pip: the one thing besides Rust that must be on the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::process;

/// A Python 3 that runs.
#[derive(Debug, Clone)]
pub(crate) struct Python(PathBuf);

impl Python {
    /// `python3`, or `python` where that is what it is called (Windows, conda).
    pub(crate) fn find() -> Result<Self> {
        Self::first_of(&["python3", "python"])
    }

    fn first_of(names: &[&str]) -> Result<Self> {
        names.iter().map(|name| Self(PathBuf::from(name))).find(Self::is_three).ok_or_else(|| {
            Failure::new(
                format!("no Python 3 was found (tried {})", names.join(", ")),
                "Install Python 3.9 or newer with pip (Debian: apt install python3 python3-pip python3-venv; \
                 macOS: brew install python), or set ORT_DYLIB_PATH to an ONNX Runtime library you have.",
            )
        })
    }

    /// A given interpreter, taken at its word.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its program.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// This interpreter, to be given arguments.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.0)
    }

    /// `python -m pip`, if there is one.
    pub(crate) fn pip(&self) -> Result<Command> {
        let mut pip = self.command();
        pip.args(["-m", "pip"]);
        let output = process::capture(self.command().args(["-m", "pip", "--version"]))?;
        if output.status.success() {
            return Ok(pip);
        }
        Err(Failure::new(
            format!("{} has no pip: {}", self.0.display(), process::last_words(&output)),
            "Install it (Debian: apt install python3-pip; elsewhere: python3 -m ensurepip --upgrade), \
             or set ORT_DYLIB_PATH to an ONNX Runtime library you have.",
        ))
    }

    fn is_three(&self) -> bool {
        let question = "import sys; sys.exit(sys.version_info < (3, 9))";
        process::capture(self.command().args(["-c", question])).is_ok_and(|output| output.status.success())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_python_is_told_what_to_install() {
        let failure = Python::first_of(&["no-such-python"]).unwrap_err().to_string();
        assert!(failure.contains("no-such-python") && failure.contains("apt install python3"), "{failure}");
    }
}
