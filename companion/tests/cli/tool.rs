//! The command, with a folder of its own for what it installs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// Variables that would reach from the tester's desk into a test.
const OURS: [&str; 8] = [
    "CONES_STORE",
    "CONES_CATALOG",
    "CONES_KEY",
    "CONES_KEY_PASSWORD",
    "CONES_ROOTS",
    "CONES_CHECKOUT",
    "CONES_STYLES",
    "SOURCE_DATE_EPOCH",
];

/// The base model of the tests: Toybox, or what `CONES_BUNDLE` names.
pub(crate) fn bundle() -> PathBuf {
    let toybox = || models("toybox/bundle");
    std::env::var_os("CONES_BUNDLE").map_or_else(toybox, PathBuf::from)
}

/// A path below `models`.
pub(crate) fn models(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(path)
}

/// The command on the base model of the tests.
pub(crate) fn cones(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cones"));
    command.args(arguments).env("CONES_BUNDLE", bundle()).stdin(Stdio::null());
    OURS.iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// Standard output of a command that must succeed.
pub(crate) fn succeed(mut command: Command) -> String {
    let output = command.output().expect("cones runs");
    assert!(output.status.success(), "{command:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Standard error of a command that must end with `status` and print no data.
pub(crate) fn fail(status: i32, mut command: Command) -> String {
    let output = command.output().expect("cones runs");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(status), "{command:?}: {text}");
    assert!(output.stdout.is_empty(), "a failure prints no data: {command:?}");
    assert!(!text.contains("panicked"), "{text}");
    text
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A desk: a folder to work in, and what is installed there.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> String {
        text(&self.0.path().join(name)).to_owned()
    }

    /// The command, with what is installed at this desk.
    pub(crate) fn cones(&self, arguments: &[&str]) -> Command {
        let mut command = cones(arguments);
        command.env("CONES_STORE", self.path("installed"));
        command
    }

    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        succeed(self.cones(arguments))
    }

    pub(crate) fn fails(&self, status: i32, arguments: &[&str]) -> String {
        fail(status, self.cones(arguments))
    }

    /// What a command prints as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.done(arguments)).expect("JSON and nothing else")
    }

    /// Makes `NAME.cones` for Toybox of a golden mask.
    pub(crate) fn pack(&self, name: &str, version: &str, more: &[&str]) -> String {
        let out = self.path(&format!("{name}-{version}.cones"));
        let mask = text(&golden("binary.safetensors")).to_owned();
        let mut command =
            self.cones(&[&["import-mask", &mask, "--out", &out, "--name", name, "--version", version], more].concat());
        command.env("SOURCE_DATE_EPOCH", "1700000000");
        succeed(command);
        out
    }

    /// A pair of keys; gives the secret one's path.
    pub(crate) fn key(&self, name: &str) -> String {
        let path = self.path(name);
        self.done(&["keygen", "--out", &path]);
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file")
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }
}

/// A mask file that Python wrote.
pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/masks").join(name)
}

/// `cones serve`, stopped when it is dropped.
pub(crate) struct Served {
    pub(crate) child: Child,
    /// The catalogue's URL.
    pub(crate) url: String,
}

impl Served {
    /// Serves a folder at a free port.
    pub(crate) fn new(folder: &str) -> Self {
        let mut command = cones(&["serve", folder, "--port", "0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cones runs");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut url).expect("a line");
        Self { child, url: url.trim().to_owned() }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").and_then(|u| u.split_once('/')).expect("a URL").0
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
