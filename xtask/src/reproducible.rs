//! Whether `cones` is the same bytes wherever it is built: `cargo xtask reproducible`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::failure::{Failure, Result};
use crate::options::Options;
use crate::process;
use crate::workspace::Workspace;

/// Two folders whose names differ in length, so that no path has the same room in both.
const PLACES: [&str; 2] = ["one", "another-place"];
/// What a build stands for in the program, in place of where it was.
const STANDS_FOR: &str = "/cones";
const LIBRARIES_STAND_FOR: &str = "/cargo";

/// Builds what is committed twice, in two folders and with different numbers of jobs, and compares the programs.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let folder = workspace.target().join("reproducible");
    let mut programs = Vec::new();
    for (place, jobs) in PLACES.iter().zip(["1", "2"]) {
        let tree = folder.join(place);
        println!("Building in {} ({jobs} jobs)", tree.display());
        copy(workspace, &tree)?;
        programs.push(build(workspace, options, &tree, jobs)?);
    }
    let contents = programs.iter().map(|program| read(program)).collect::<Result<Vec<_>>>()?;
    let [first, second] = &contents[..] else { return Ok(()) };
    if let Some(found) = place_in(first, &folder) {
        let hint = format!("`strings {}` shows where; a path must be given at run time.", programs[0].display());
        return Err(Failure::new(format!("the program holds the folder it was built in: {found}"), hint));
    }
    if first != second {
        let at = first.iter().zip(second).position(|(a, b)| a != b).unwrap_or(first.len().min(second.len()));
        let hint = format!("`diffoscope {} {}` says what it is.", programs[0].display(), programs[1].display());
        let sizes = (first.len(), second.len());
        return Err(Failure::new(format!("the programs differ from byte {at} on ({sizes:?} bytes)"), hint));
    }
    let hash: String = Sha256::digest(first).iter().map(|byte| format!("{byte:02x}")).collect();
    println!("the same {} bytes, twice: SHA-256 {hash}", first.len());
    Ok(())
}

/// What is committed, and nothing else.
fn copy(workspace: &Workspace, tree: &Path) -> Result {
    for old in fs::read_dir(tree).into_iter().flatten().flatten().filter(|entry| entry.file_name() != "target") {
        let path = old.path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|error| Failure::file("remove", &path, &error))?;
    }
    fs::create_dir_all(tree).map_err(|error| Failure::file("create", tree, &error))?;
    let archive = tree.with_extension("tar");
    let mut git = Command::new("git");
    git.current_dir(workspace.root()).args(["archive", "--output"]).arg(&archive).arg("HEAD");
    process::run(&mut git, "This needs git and a commit.")?;
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(&archive).arg("-C").arg(tree);
    process::run(&mut tar, "Is `tar` there?")?;
    fs::remove_file(&archive).map_err(|error| Failure::file("remove", &archive, &error))
}

/// As `release.yml` builds it.
fn build(workspace: &Workspace, options: &Options, tree: &Path, jobs: &str) -> Result<PathBuf> {
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let flags = [remap(tree, STANDS_FOR), remap(&cargo_home()?, LIBRARIES_STAND_FOR)].join(" ");
    let words = ["build", "--release", "--locked", "--package", "cones-companion", "--jobs", jobs];
    let mut cargo = workspace.cargo(options, &words);
    cargo.current_dir(tree).env("CARGO_TARGET_DIR", tree.join("target")).env("CARGO_INCREMENTAL", "0");
    cargo.env("CONES_RELEASE", "1").env("RUSTFLAGS", flags).env_remove("CARGO_MANIFEST_DIR");
    process::run(&mut cargo, "The compiler's words above say why.")?;
    Ok(tree.join("target/release").join(format!("cones{}", std::env::consts::EXE_SUFFIX)))
}

fn cargo_home() -> Result<PathBuf> {
    let home = || std::env::home_dir().map(|home| home.join(".cargo"));
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(home)
        .ok_or_else(|| Failure::new("this machine says of no home", "Set CARGO_HOME."))
}

fn read(program: &Path) -> Result<Vec<u8>> {
    fs::read(program).map_err(|error| Failure::file("read", program, &error))
}

/// The folder, where the program holds its path.
fn place_in(program: &[u8], folder: &Path) -> Option<String> {
    let text = folder.display().to_string();
    program.windows(text.len()).any(|window| window == text.as_bytes()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_program_is_found() {
        assert_eq!(place_in(b"\0\x01/work/tree/src/main.rs\0", Path::new("/work/tree")).as_deref(), Some("/work/tree"));
        assert_eq!(place_in(b"\0/cones/src/main.rs\0", Path::new("/work/tree")), None);
        assert_eq!(place_in(b"", Path::new("/work/tree")), None);
    }
}
