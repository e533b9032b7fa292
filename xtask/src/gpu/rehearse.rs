//! The same calls on this machine: in a copy of the tree as the other machine would get it, with nothing else of ours, on the CPU and
//! at tiny scale, and with every limit of the tool checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::gpu::settings::Settings;
use crate::gpu::step::Step;
use crate::gpu::tree::{self, Tree};
use crate::gpu::{limits, take, train};
use crate::process;
use crate::workspace::Workspace;

/// What `gpu.sh` and the scripts it runs say when something went wrong; they go on all the same.
const FAULTS: [&str; 6] = ["FAILED", "NO WEIGHTS", "were not", "not all checks", "stays behind", "cannot be read"];

/// The folders of one rehearsal.
struct Stage {
    tree: PathBuf,
    /// Where `gpu.sh` keeps things between calls.
    home: PathBuf,
    /// Nothing but `python3`, which is the one that has PyTorch.
    bin: PathBuf,
    /// Takes in what comes back, so that the training's own checkpoints stay as they are.
    work: PathBuf,
    root: PathBuf,
}

/// Runs every step and takes in what comes back.
pub(crate) fn run(workspace: &Workspace, settings: &Settings, steps: &[Step]) -> Result {
    let stage = Stage::set(workspace, settings)?;
    let outcome = play(workspace, &stage, steps);
    stage.end();
    let faults = outcome?;
    if faults.is_empty() {
        println!("\nThe rehearsal passed. What it made is in {}", stage.root.display());
        return Ok(());
    }
    Err(Failure::new(
        format!("the rehearsal found:\n        {}", faults.join("\n        ")),
        "The lines above say more.",
    ))
}

fn play(workspace: &Workspace, stage: &Stage, steps: &[Step]) -> Result<Vec<String>> {
    let tree = Tree::of(workspace.root());
    let (mut faults, mut weights) = (Vec::new(), false);
    for (number, step) in (1..).zip(steps) {
        limits::going(step, tree.bytes(&step.carry)?)?;
        println!("\n{number}. {}: {}", step.title, step.command);
        stage.carry(workspace, &tree, step)?;
        let out = stage.root.join(format!("out-{number}"));
        train::clear(&out)?;
        let output = process::capture(&mut stage.command(step, &out))?;
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        println!("{}", text.trim_end());
        faults.extend(text.lines().filter(|line| FAULTS.iter().any(|fault| line.contains(fault))).map(str::to_owned));
        if !output.status.success() {
            faults.push(format!("'{}' ended with {}", step.command, output.status));
        }
        let files = tree::under(&out, Path::new(""))?;
        limits::coming(files.iter().map(|file| (file.as_path(), tree::size(&out.join(file)))))?;
        if !files.is_empty() {
            take::run(workspace, &out, &stage.work)?;
            weights |= files.iter().any(|file| file.starts_with("weights.sums"));
        }
    }
    if !weights {
        faults.push("no weights came back".into());
    }
    Ok(faults)
}

impl Stage {
    /// A bare machine with the tree on it.
    fn set(workspace: &Workspace, settings: &Settings) -> Result<Self> {
        let python = super::folders::python(&workspace.root().join(&settings.work))?;
        let root = super::folders::cache(workspace).join("rehearsal");
        let stage = Self {
            tree: root.join("tree"),
            home: root.join("home"),
            bin: root.join("bin"),
            work: root.join("work"),
            root,
        };
        train::clear(&stage.root)?;
        for folder in [&stage.tree, &stage.home, &stage.bin, &stage.work] {
            train::clear(folder)?;
        }
        let files = Tree::of(workspace.root()).files()?;
        tree::copy(workspace.root(), &files, &stage.tree)?;
        // Not a link: a virtual environment is found by the path that its Python is called by.
        let program = workspace.root().join(python.path());
        let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", program.display());
        executable(&stage.bin.join("python3"), &script)?;
        Ok(stage)
    }

    /// Puts what a call carries into the tree, and takes out what the call before it did.
    fn carry(&self, workspace: &Workspace, tree: &Tree<'_>, step: &Step) -> Result {
        train::clear(&self.tree.join(super::folders::FOLDER))?;
        tree::copy(workspace.root(), &tree.carried(&step.carry)?, &self.tree)
    }

    fn command(&self, step: &Step, out: &Path) -> Command {
        let mut command = Command::new("timeout");
        command.arg(step.timeout.to_string()).args(["bash", "-c", &step.command]).current_dir(&self.tree).env_clear();
        let path = std::env::join_paths([&self.bin, Path::new("/usr/bin"), Path::new("/bin")].map(PathBuf::from));
        command.env("PATH", path.unwrap_or_default()).env("HOME", &self.root).env("OUT", out);
        // Its own time limits stand in the commands; here it shares the machine.
        command.env("CONES_GPU_HOME", &self.home).env("CONES_GPU_WATCH", "5").env("OMP_NUM_THREADS", "1");
        for (name, small) in [("WORKERS", "2"), ("SHARDS", "2"), ("FIRST", "1"), ("SHARD", "64")] {
            command.env(format!("CONES_GPU_{name}"), small);
        }
        command
    }

    /// Ends a training that a failed step left running.
    fn end(&self) {
        let Ok(pid) = fs::read_to_string(self.home.join("pid")) else { return };
        // It leads a session, and so a group, of its own.
        let _ =
            Command::new("kill").arg("--").arg(format!("-{}", pid.trim())).stderr(std::process::Stdio::null()).status();
    }
}

fn executable(path: &Path, text: &str) -> Result {
    let written = fs::write(path, text);
    #[cfg(unix)]
    let written = written.and_then(|()| {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
    });
    written.map_err(|error| Failure::file("write", path, &error))
}
