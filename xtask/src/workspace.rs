//! Where things lie in the repository.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::options::Options;

/// The root of the repository.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// From cargo's variable, or up from the current folder if this program is run without cargo.
    pub(crate) fn find() -> Result<Self> {
        let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).or_else(|| std::env::current_dir().ok());
        here.as_deref()
            .and_then(|here| here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file()))
            .map(|root| Self { root: root.to_owned() })
            .ok_or_else(|| Failure::new("this is not inside the repository", "Run `cargo xtask` in its folder."))
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder of the repository by its path with `/`.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// What set-up and benches make. Always `target/` of the repository, wherever cargo builds: `cones-core` looks there.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Where cargo builds, with a folder for each profile.
    pub(crate) fn built(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.target(), |dir| self.root.join(dir))
    }

    /// The release build of the `cones` command.
    pub(crate) fn cones(&self) -> PathBuf {
        self.built().join("release").join(format!("cones{}", std::env::consts::EXE_SUFFIX))
    }

    /// The cargo that runs us, in the root of the repository.
    pub(crate) fn cargo(&self, options: &Options, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        command.current_dir(&self.root).args(arguments);
        // Some build scripts look at these: with what cargo said of this very program, they and all that depends on them would be
        // built anew each time after a cargo by hand.
        std::env::vars_os().filter(|(name, _)| is_of_this_program(name)).for_each(|(name, _)| {
            command.env_remove(name);
        });
        if options.offline {
            command.arg("--offline");
        }
        command
    }
}

/// Whether cargo set this variable to say something of the program that it runs, which is this one.
fn is_of_this_program(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"].iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_says_of_this_program_is_told_from_what_it_is_told() {
        assert!(is_of_this_program("CARGO_PKG_NAME".as_ref()) && is_of_this_program("CARGO_MANIFEST_DIR".as_ref()));
        for name in ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_JOBS", "CARGO_INCREMENTAL", "RUSTFLAGS"] {
            assert!(!is_of_this_program(name.as_ref()), "{name}");
        }
    }
}
