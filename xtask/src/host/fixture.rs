//! What every language's tests compare with, made by the `cones` command itself.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::workspace::Workspace;
use crate::{onnxruntime, process};

/// The base model's folder in the repository.
pub(super) const BUNDLE: &str = "models/toybox/bundle";
/// The pack's name.
const PACK: &str = "fluent-dog";
/// Enough steps to be a picture, few enough for a slow machine. One thread, as the tests' engines.
const DRAWING: [&str; 6] = ["--steps", "6", "--seed", "7", "--threads", "1"];

/// A folder in `target/`, made anew for each run.
pub(super) struct Fixture {
    path: PathBuf,
    key: String,
}

impl Fixture {
    /// Takes an example pack, publishes it with the base model under a fresh key, and draws with and without it.
    pub(super) fn make(workspace: &Workspace, library: &Path) -> Result<Self> {
        let path = workspace.target().join("host-tests");
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::file("clear", &path, &error));
            }
            _ => {}
        }
        fs::create_dir_all(&path).map_err(|error| Failure::file("create", &path, &error))?;
        let within = |name: &str| path.join(name).into_os_string();
        let cones = |arguments: &[&OsStr]| cones(workspace, library, arguments);

        let example = workspace.path(&format!("models/packs/{PACK}.cones"));
        let pack = within(&format!("{PACK}.cones"));
        let (secret, public) = (within("publisher.key"), within("public"));
        let o = OsStr::new;
        fs::copy(&example, &pack).map_err(|error| Failure::file("copy", &example, &error))?;
        let key = cones(&[o("keygen"), o("--out"), &secret])?;
        let publish = [o("publish"), &pack, o("--bundle"), o(BUNDLE), o("--out"), &public, o("--key"), &secret];
        cones(&[&publish[..], &[o("--publisher"), o("Cones tests")]].concat())?;
        for (name, prompt) in [("base.png", "a dog on grass"), ("subject.png", "a {fluent-dog} on grass")] {
            let out = within(name);
            let subject = [o("--subject"), &pack];
            let mut arguments =
                vec![o("generate"), o("--bundle"), o(BUNDLE), o("--prompt"), o(prompt), o("--out"), &out];
            arguments.extend(DRAWING.map(OsStr::new));
            arguments.extend(subject.into_iter().take(if name == "base.png" { 0 } else { 2 }));
            cones(&arguments)?;
        }
        Ok(Self { path, key: key.trim().to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder to serve.
    pub(super) fn published(&self) -> PathBuf {
        self.path.join("public")
    }

    /// The publisher's public key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// Runs `cones` and returns what it printed.
fn cones(workspace: &Workspace, library: &Path, arguments: &[&OsStr]) -> Result<String> {
    let mut command = Command::new(workspace.cones());
    command.current_dir(workspace.root()).env(onnxruntime::VARIABLE, library).args(arguments);
    let output = process::capture(&mut command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let what = format!("`{}` failed:\n        {}", process::line(&command), process::last_words(&output));
    Err(Failure::new(what, "Its own words above say why."))
}
